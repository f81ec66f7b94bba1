// The lead's board fetches its live part again every 15 seconds, unless somebody is in the middle of something there. Where the
// answer takes long (a very large queue), it waits ten times as long as the answer took.
const live = document.getElementById("live");
const pause = document.getElementById("pause");
const stale = document.getElementById("stale");
const EVERY_MS = 15000;
let paused = false;

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on updating" : "Stop updating";
});

function busy() {
  const here = document.activeElement;
  const reading = String(getSelection()) && live.contains(getSelection().anchorNode);
  const focused = live.contains(here) && here.matches("input, button, select, textarea, summary");
  return paused || document.hidden || focused || reading || live.querySelector("details[open]");
}

let asking = false;
let asked = 0;
let took = 0;

async function refresh() {
  if (asking || busy() || performance.now() - asked < 10 * took) return;
  asking = true;
  asked = performance.now();
  try {
    const answer = await fetch(live.dataset.from, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.reload(); // signed out meanwhile: the whole page asks to sign in
    if (!answer.ok) throw new Error(answer.status);
    const fresh = await answer.text();
    if (busy()) return;
    const focus = live.contains(document.activeElement) ? document.activeElement.id : "";
    live.innerHTML = fresh;
    if (focus) document.getElementById(focus)?.focus();
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  } finally {
    took = performance.now() - asked;
    asking = false;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
