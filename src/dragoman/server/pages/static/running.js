// An exchange that is under way: once it has ended and is written, its page takes the place of this one.
"use strict";
(() => {
  const LOOK_MS = 600;
  const MOST = 25;
  const told = document.getElementById("told");
  let tries = 0;

  const look = async () => {
    let page;
    try {
      page = new DOMParser().parseFromString(await (await fetch(location.href, { credentials: "same-origin" })).text(), "text/html");
    } catch { /* the gateway is gone, perhaps for a moment */ }
    if (page && !page.getElementById("told")) { location.reload(); return; }
    if (++tries < MOST) setTimeout(look, LOOK_MS);
    else told.textContent = "It has ended, and nothing is on record of it yet. Load this page anew to look again.";
  };

  const source = new EventSource("/api/live");
  source.addEventListener("exchange", (event) => {
    if (event.lastEventId !== told.dataset.id) return;
    source.close();
    look();
  });
  // What ended before this page listened is not told any more.
  source.addEventListener("open", async () => {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    if (!page.querySelector("[data-running-s]")) { source.close(); look(); }
  });
  window.addEventListener("pagehide", () => source.close());
})();
