// The way back leads to the list as it was left; keys lead through the session.
"use strict";
(() => {
  const back = document.getElementById("back");
  try {
    const left = sessionStorage.getItem("logs");
    if (left && left.startsWith("?")) back.search = left;
  } catch { /* the plain list */ }
  const { keys } = window.dragoman;
  keys.set("Escape", () => back.click());
  for (const [key, name] of [["p", "earlier"], ["n", "later"]]) keys.set(key, () => document.getElementById(name)?.click());
})();
