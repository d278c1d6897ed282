"use strict";
// Runs before the page is drawn, so that a remembered choice of colours does not flash. A page from a file may have no store.
(function () {
  try {
    const chosen = localStorage.getItem("finai-theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch (error) {
    // no store: the system's choice holds
  }
})();
