"use strict";
// What of an example is for eyes and ears: sound and film to play, boxes over a picture, words and fields with what is wrong in them.
FINAI.look = (function () {
  const { h, svg } = FINAI;

  // A player with the file itself beside it, which says so where the browser does not know the format.
  function media(one, id) {
    if (one.kind !== "audio" && one.kind !== "video") return h("span", { class: "quiet" }, `${one.name}: ${one.why}`);
    const address = FINAI.root + one.file;
    const noun = one.kind === "audio" ? "Recording" : "Film";
    const box = h("div", { class: "player" });
    const fault = () => {
      if (!box.querySelector("[role=alert]")) box.append(h("span", { role: "alert", class: "quiet" }, "This browser cannot play it; another program may."));
    };
    const player = h(one.kind, { src: address, controls: true, playsinline: true, preload: one.kind === "audio" ? "none" : "metadata", "aria-label": `${noun} of example ${id}`, onerror: fault });
    box.append(player, h("a", { href: address, "aria-label": `The file of the ${noun.toLowerCase()} of example ${id}` }, "the file"));
    return box;
  }

  // A picture, which opens in full when it is followed, with numbered boxes over it and their names below.
  function picture(one, id, boxes) {
    if (one.kind !== "image") return h("span", { class: "quiet" }, `${one.name}: ${one.why}`);
    const size = one.width ? { width: one.width, height: one.height } : {};
    const image = h("img", { src: FINAI.root + one.file, alt: `Document of example ${id}; its text is in the picture only`, loading: "lazy", ...size });
    const link = h("a", { href: FINAI.root + one.file }, image);
    if (!boxes.length || !one.width) return link;
    const frame = h("div", { class: "framed" }, link, drawn(boxes, one.width, one.height));
    const whole = h("div", {}, frame);
    const toggle = h("input", { type: "checkbox", checked: true, onchange: (event) => whole.classList.toggle("boxes-off", !event.target.checked) });
    whole.append(h("div", { class: "tools" }, h("label", {}, toggle, "boxes of the reference")),
      h("ol", { class: "boxes-named" }, boxes.map(([name, value]) => h("li", {}, `${name}: `, h("bdi", {}, value)))));
    return whole;
  }

  function drawn(boxes, width, height) {
    const side = Math.round(Math.max(width, height) / 45); // of a number's ground: readable where the picture is made small
    const found = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
    boxes.forEach(([, , left, top, right, bottom], i) => {
      const edge = Math.round(side / 6); // so that the line touches no letter
      const x = Math.max(0, left - edge - side);
      found.append(svg("rect", { class: "box", x: left - edge, y: top - edge, width: Math.max(1, right - left) + 2 * edge, height: Math.max(1, bottom - top) + 2 * edge }),
        svg("rect", { class: "tag", x, y: top - edge, width: side, height: side }),
        svg("text", { class: "tag-text", x: x + side / 2, y: top - edge + 0.8 * side, "font-size": 0.8 * side }, String(i + 1)));
    });
    return found;
  }

  // The recognised words with those of the reference: what was said wrong, left out and put in, by sign as well as by colour.
  function words(answer) {
    const errors = ["substituted", "left out", "put in"].map((kind) => `${answer[kind].toLocaleString("en")} ${kind}`);
    const all = answer.substituted + answer["left out"] + answer["put in"];
    const text = h("p", { class: "word-for-word", dir: "auto" });
    for (const [kind, reference, said] of answer.words) {
      if (kind === "right") text.append(FINAI.seen(said));
      else if (kind === "left out") text.append(h("del", { title: "left out" }, reference));
      else if (kind === "put in") text.append(h("ins", { class: "put-in", title: "put in" }, `+${said}`));
      else text.append(h("del", { title: `said as ${said}` }, reference), "\u2009", h("ins", { title: `in place of ${reference}` }, said));
      text.append(" ");
    }
    const legend = h("p", { class: "quiet beside" }, `${all.toLocaleString("en")} ${all === 1 ? "error" : "errors"} on ${answer.of.toLocaleString("en")} words of the reference: ${errors.join(", ")}. `,
      "Struck through: of the reference; underlined: what was said instead; with a plus: put in.");
    const long = answer.words.length > 150 || answer.of > 200;
    return h("div", {}, long ? h("div", { class: "long-text", tabindex: "0", role: "group", "aria-label": "Words, scrolls" }, text) : text, legend);
  }

  // Each field with the reference, the answer and whether it is right.
  function fields(rows) {
    const right = rows.filter((row) => row[3].startsWith("right")).length;
    const signs = { wrong: "✗ ", "left out": "✗ ", "put in": "✗ " };
    return h("div", {},
      h("p", { class: "quiet beside" }, `${right} of ${rows.length} fields right.`),
      h("div", { class: "scroll narrow", tabindex: "0", role: "group", "aria-label": "Fields, scrolls" }, h("table", { class: "by-field" },
        h("thead", {}, h("tr", {}, ["field", "reference", "answer", "verdict"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map(([name, reference, answer, verdict]) => h("tr", {},
          h("th", { scope: "row" }, h("bdi", {}, name)), h("td", {}, FINAI.show(reference)), h("td", {}, FINAI.show(answer)),
          h("td", { class: verdict in signs ? "verdict-wrong" : "verdict-right" }, `${signs[verdict] || "✓ "}${verdict}`)))))));
  }

  return { media, picture, words, fields };
})();
