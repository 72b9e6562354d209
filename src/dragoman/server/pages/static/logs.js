// The list without reloading the page: filters as they are typed, new exchanges as they end, keys to move about.
// Everything here is also a link or a form; without this script the page reads the same.
"use strict";
(() => {
  const GATHER_MS = 600; // what ends is written behind the answer, so it is asked for a moment later
  const UNWRITTEN_MS = 15000;
  const SUMS_MS = 10000; // adding up all that is found is more work than the newest of it: not for each exchange that ends
  const form = document.getElementById("filters");
  const told = document.getElementById("told");
  const live = document.getElementById("live");
  const liveSwitch = document.getElementById("live-switch");
  const liveWord = document.getElementById("live-word");
  const { keys, tellTimes } = window.dragoman;
  let latest = 0;
  let source = null;
  let wanted = true;
  let timer = 0;

  const results = () => document.getElementById("results");
  const rows = () => [...results().querySelectorAll("tbody tr[data-id]")];
  const remember = () => { try { sessionStorage.setItem("logs", location.search || "?"); } catch { /* no way back */ } };

  const isOver = (row) => !row.classList.contains("running");
  // What has ended and is not written yet keeps its row for so long.
  const ended = new Map();
  const keepUnwritten = (before) => {
    const now = performance.now();
    const here = new Set(rows().map((row) => row.dataset.id));
    const body = results().querySelector("tbody");
    for (const row of before.reverse()) {
      const { id } = row.dataset;
      if (here.has(id)) { ended.delete(id); continue; }
      if (!ended.has(id)) ended.set(id, now);
      if (body && now - ended.get(id) < UNWRITTEN_MS) { body.prepend(row); later(GATHER_MS); } else ended.delete(id);
    }
  };

  // The sums of what is found
  let summed = document.getElementById("sums").childElementCount ? performance.now() : -SUMS_MS;
  let summing = 0;
  const withSums = (isNews) => !isNews || performance.now() - summed >= SUMS_MS;
  const takeSums = (page) => {
    const fresh = page.getElementById("sums");
    if (fresh) document.getElementById("sums").replaceWith(document.adoptNode(fresh));
    summed = performance.now();
  };
  const sumLater = () => {
    if (!summing) summing = setTimeout(() => { summing = 0; later(0); }, SUMS_MS - (performance.now() - summed));
  };

  const complain = (words) => {
    const alarm = document.createElement("p");
    alarm.className = "alarm";
    alarm.setAttribute("role", "alert");
    alarm.textContent = words;
    results().replaceChildren(alarm);
  };

  // Take the list of this address into the page. `isNews`: only what is new comes in; the reader stays where they are.
  const load = async (address, isNews) => {
    const number = ++latest;
    const sums = withSums(isNews);
    let answer;
    try {
      answer = await fetch(address, { credentials: "same-origin", headers: sums ? {} : { "x-dragoman-part": "rows" } });
    } catch {
      return;
    }
    if (new URL(answer.url).pathname !== "/logs") { location.assign(answer.url); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("results");
    if (number !== latest) return;
    if (!fresh) { complain(page.querySelector(".said")?.textContent ?? "The list could not be read."); return; }
    const known = new Set(rows().filter(isOver).map((row) => row.dataset.id));
    const running = isNews ? rows().filter((row) => !isOver(row)) : [];
    const focused = document.activeElement?.closest?.("tr[data-id]")?.dataset.id;
    results().replaceWith(document.adoptNode(fresh));
    keepUnwritten(running);
    if (sums) takeSums(page); else sumLater();
    tellTimes(results());
    const news = rows().filter((row) => isOver(row) && !known.has(row.dataset.id));
    if (isNews) for (const row of news) row.classList.add("new");
    if (focused) rows().find((row) => row.dataset.id === focused)?.querySelector("a")?.focus({ preventScroll: true });
    if (!isNews) told.textContent = `${rows().length} exchanges shown`;
  };

  // The list tells times by the reader's clock, and so do the fields; the address has them in UTC, so that it says the same to everybody.
  const minutes = (moment) => moment.toISOString().slice(0, 16);
  const asTyped = (utc) => { const moment = new Date(`${utc}Z`); return minutes(new Date(moment - 60000 * moment.getTimezoneOffset())); };
  const isMoment = (name) => form.elements[name].type === "datetime-local";
  for (const word of form.querySelectorAll("[data-local]")) word.textContent = word.dataset.local;
  for (const field of form.querySelectorAll("input[type=datetime-local]")) {
    if (!Number.isNaN(Date.parse(`${field.defaultValue}Z`))) field.value = asTyped(field.defaultValue);
  }

  const addressOf = () => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (value.trim()) fields.set(name, isMoment(name) ? minutes(new Date(value)) : value.trim());
    }
    return fields.size ? `/logs?${fields}` : "/logs";
  };
  const go = (address, isStep) => {
    history[isStep ? "pushState" : "replaceState"](null, "", address);
    remember();
    return load(address, false);
  };

  let typed = 0;
  form.addEventListener("input", (event) => {
    clearTimeout(typed);
    typed = setTimeout(() => go(addressOf(), false), event.target.matches("select") ? 0 : 300);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typed);
    go(addressOf(), true);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".paging a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.pathname + link.search, true).then(() => { window.scrollTo(0, 0); rows()[0]?.querySelector("a")?.focus({ preventScroll: true }); });
  });
  window.addEventListener("popstate", () => location.reload());

  // A row is opened wherever it is pressed, but for its own links and marked text.
  document.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-id]");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    row.querySelector("a").click();
  });

  // New exchanges
  const word = (text, state) => { liveWord.textContent = text; live.dataset.state = state; };
  // The last exchange that was told of may not be written yet: it is looked for again, a few times.
  let last = "";
  let tries = 0;
  const later = (wait) => { if (!timer) timer = setTimeout(refresh, wait); };
  const refresh = async () => {
    timer = 0;
    if (!results().dataset.first) return;
    if (String(getSelection())) { later(GATHER_MS * 4); return; } // somebody copies words: they must not go from under the hand
    await load(location.pathname + location.search, true);
    if (!last || rows().some((row) => row.dataset.id === last)) tries = 0;
    else if (tries < 3) later(GATHER_MS * 2 ** ++tries);
  };
  const listen = () => {
    if (source || !wanted || document.hidden) return;
    word("Connecting", "off");
    source = new EventSource("/api/live");
    source.addEventListener("open", () => { word("Live", "on"); refresh(); });
    source.addEventListener("begun", () => later(GATHER_MS));
    source.addEventListener("exchange", (event) => { last = event.lastEventId; tries = 0; later(GATHER_MS); });
    source.addEventListener("error", () => word("Not connected", "off"));
  };
  const hush = () => { source?.close(); source = null; };
  const turn = () => {
    wanted = !wanted;
    liveSwitch.setAttribute("aria-pressed", String(wanted));
    if (wanted) { listen(); refresh(); } else { hush(); word("Paused", "off"); }
  };
  live.hidden = false;
  liveSwitch.addEventListener("click", turn);
  // A browser allows six connections to a server: a page that nobody sees must not hold one.
  document.addEventListener("visibilitychange", () => { if (document.hidden) hush(); else if (wanted) { listen(); refresh(); } });
  window.addEventListener("pagehide", hush);
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });

  // Keys
  const move = (by) => () => {
    const all = rows();
    const here = all.indexOf(document.activeElement?.closest?.("tr[data-id]"));
    const there = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by))];
    there?.querySelector("a").focus();
  };
  keys.set("j", move(1)).set("k", move(-1)).set("l", turn).set("/", () => document.getElementById("text").focus());
  document.getElementById("keys").hidden = false;
  document.getElementById("text").addEventListener("keydown", (event) => { if (event.key === "Escape") event.target.blur(); });

  remember();
  listen();
})();
