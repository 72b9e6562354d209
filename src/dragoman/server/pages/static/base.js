// What every page has: the switch of the theme, and times as the reader's clock tells them.
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const name = document.getElementById("theme-name");
  const next = { "": "light", light: "dark", dark: "" };
  const words = { "": "System", light: "Light", dark: "Dark" };

  const show = () => {
    const now = root.dataset.theme || "";
    name.textContent = words[now];
    button.setAttribute("aria-label", `Theme: ${words[now]}. Change it`);
  };
  const turn = () => {
    const theme = next[root.dataset.theme || ""];
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    try {
      if (theme) localStorage.setItem("theme", theme); else localStorage.removeItem("theme");
    } catch { /* it holds for this page */ }
    show();
  };
  button.hidden = false;
  button.addEventListener("click", turn);
  show();

  const today = (moment) => moment.toDateString() === new Date().toDateString();
  const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
  const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });
  const tellTimes = (within) => {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const brief = today(moment) ? short.format(moment) : `${day.format(moment)}, ${short.format(moment)}`;
      time.textContent = "short" in time.dataset ? brief : long.format(moment);
    }
  };
  tellTimes(document);

  // What is under way grows older while it is looked at.
  const inWords = (s) => {
    if (s < 99.95) return `${s.toFixed(s < 9.995 ? 1 : 0)} s`;
    const minutes = Math.floor(s / 60);
    const two = (number) => String(number).padStart(2, "0");
    return minutes < 60 ? `${minutes} min ${two(Math.floor(s % 60))} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  };
  const since = new WeakMap();
  setInterval(() => {
    for (const cell of document.querySelectorAll("[data-running-s]")) {
      if (!since.has(cell)) since.set(cell, performance.now() - 1000 * Number(cell.dataset.runningS));
      cell.textContent = inWords((performance.now() - since.get(cell)) / 1000);
    }
  }, 200);

  const typing = (event) => event.target.closest("input, select, textarea, [contenteditable]");
  const keys = new Map([["t", turn]]);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    const action = keys.get(event.key);
    if (action && action(event) !== false) event.preventDefault();
  });
  window.dragoman = { keys, tellTimes };
})();
