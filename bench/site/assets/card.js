"use strict";
// One example as a card: inputs, pictures, target, and of each run (`this.runs`, `this.lists`) the answer with its score.
FINAI.Cards = class {
  card(item, { data, answers }) {
    const { h } = FINAI;
    const place = item.places[0];
    const fields = h("dl", { class: "fields" });
    const add = (name, ...values) => fields.append(h("div", {}, h("dt", {}, name), h("dd", {}, ...values)));
    if (data) {
      const nouns = { audio: "recording", video: "film" };
      for (const one of data.media) if (one.kind !== "image") add(nouns[one.kind] || "not shown", FINAI.look.media(one, item.id));
      const inputs = Object.entries(data.inputs);
      const size = ([, value]) => (typeof value === "string" ? value.length : JSON.stringify(value).length);
      for (const [name, value] of inputs.sort((x, y) => (size(x) > 300) - (size(y) > 300))) add(name, FINAI.show(value));
      if ("target" in data) add("target", this.target(data.target, answers));
    }
    const images = data ? data.media.filter((one) => one.kind === "image") : [];
    const pictures = images.map((one, i) => FINAI.look.picture(one, item.id, (data.boxes || []).filter((box) => box[6] === i)));
    const said = h("div", { class: this.runs.length > 1 ? "said two" : "said" });
    answers.forEach((answer, i) => said.append(this.answer(answer, item.scores[i], i)));
    const change = this.runs.length > 1 && item.change !== null
      ? h("span", { class: "change" }, `B − A: ${item.change > 0 ? "+" : ""}${FINAI.number(item.change)}`) : null;
    return h("article", { class: "example", tabindex: "-1", "aria-label": `Example ${place + 1}` },
      h("h3", {}, h("span", { class: "count" }, `#${(place + 1).toLocaleString("en")}`), " ", h("bdi", {}, item.id), change ? " " : null, change),
      pictures.length ? h("div", { class: "with-picture" }, h("div", {}, pictures), h("div", {}, fields, said)) : [fields, said]);
  }

  // The target: its text, and the rest only where it is asked for, if the answers are shown against it word for word or by fields.
  target(value, answers) {
    const { h } = FINAI;
    const told = answers.some((answer) => answer && (answer.words || answer.fields));
    if (told && Array.isArray(value) && value.every((word) => typeof word === "string")) return FINAI.show(value.join(" "));
    if (!told || value === null || typeof value !== "object") return FINAI.show(value);
    const kept = h("details", {}, h("summary", {}, "all that is kept of it"), FINAI.show(value));
    return typeof value.text === "string" ? h("div", {}, FINAI.show(value.text), kept) : kept;
  }

  answer(answer, score, i) {
    const { h } = FINAI;
    const list = this.lists[i];
    const name = list.metric ? (list.own ? `${list.metric}${list.fraction ? " (0 to 1)" : ""}` : `contribution to ${list.metric}`) : null;
    const rows = h("dl", { class: "fields" });
    const add = (term, ...values) => rows.append(h("div", {}, h("dt", {}, term), h("dd", {}, ...values)));
    if (answer && answer.error) add("failed", h("span", { class: "error" }, answer.error));
    if (answer && "answer" in answer && !answer.fields) add("answer", FINAI.show(answer.answer));
    if (answer && answer.words) add("word for word", FINAI.look.words(answer));
    if (answer && answer.unmarked) add("word for word", h("span", { class: "quiet" }, `not marked: ${answer.unmarked}`));
    if (answer && answer.fields) add("field by field", FINAI.look.fields(answer.fields));
    if (answer && "raw" in answer) add("raw output", FINAI.show(answer.raw));
    if (answer && answer.thinking) {
      const long = answer.thinking_tokens ? `${answer.thinking_tokens.toLocaleString("en")} tokens` : "show";
      add("thinking, not scored", h("details", { class: "thinking" }, h("summary", {}, long), FINAI.show(answer.thinking)));
    }
    if (answer && answer.ended) add("how it ended", answer.ended);
    if (answer && answer.unparsed) add("parsed", "no: the task's parser found no answer in it; what stands as the answer is scored instead");
    if (answer && answer.truncated) add("cut", `${answer.truncated} tokens of the request were cut away`);
    if (name) add(name, h("strong", {}, FINAI.number(score)));
    return h("div", {}, this.runs.length > 1 ? h("h4", {}, `${"AB"[i]}: `, h("bdi", {}, this.runs[i].label)) : null, rows);
  }
};
