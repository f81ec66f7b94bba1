// The outcomes of an open card: what one still needs is asked for, not refused; a callback takes few keys.

import { announce } from "./swap.js";

const ASKS = {
  note: "Please write down what they said, then press it again.",
  callback_at: "When shall they be called back? Press the number of a time, or Tab to give another.",
};

// `changed` is called when a field was filled in here.
export function watchOutcomes(form, signal, changed) {
  for (const button of form.querySelectorAll("button[data-needs]")) {
    const field = form.elements[button.dataset.needs];
    button.addEventListener("click", (event) => needs(event, field), signal);
  }
  watchTimes(form, signal, changed);
  watchSays(signal);
}

function needs(event, field) {
  if (field.value.trim()) return;
  event.preventDefault();
  const box = field.closest("details");
  if (box) box.open = true;
  (box?.querySelector(".quick button") ?? field).focus();
  announce(ASKS[field.name]);
}

// While the box is open and nobody types in it, 1, 2, 3 choose its times, and not the answers of the script.
function watchTimes(form, signal, changed) {
  const field = form.elements.callback_at;
  const quick = document.getElementById("quick-times");
  const outcome = form.querySelector("button[data-needs=callback_at]");
  const opened = performance.now();
  const wall = Date.parse(`${field.dataset.wall}Z`); // their wall clock, read as if it were UTC: only added to
  quick.hidden = false;
  quick.addEventListener("click", ({ target }) => {
    const { minutes, tomorrow, at: earliest } = target.closest("button")?.dataset ?? {};
    if (!minutes && !tomorrow && !earliest) return;
    const at = new Date(earliest ? `${earliest}Z` : wall + performance.now() - opened);
    if (minutes) at.setUTCMinutes(at.getUTCMinutes() + Number(minutes));
    if (tomorrow) at.setUTCDate(at.getUTCDate() + 1);
    if (tomorrow) at.setUTCHours(...tomorrow.split(":").map(Number));
    field.value = at.toISOString().slice(0, 16);
    changed();
    outcome.focus();
  }, signal);
  quick.closest("details").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === field) return;
    const chosen = quick.querySelector(`[data-number="${CSS.escape(event.key)}"]`);
    if (!chosen || document.querySelector("[data-single-keys=off]")) return;
    event.preventDefault();
    event.stopPropagation();
    chosen.click();
  }, signal);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    outcome.click();
  }, signal);
}

// On a phone the outcomes stand in a bar, and what each does is shown on demand.
function watchSays(signal) {
  const toggle = document.getElementById("says-toggle");
  toggle.hidden = false;
  toggle.querySelector("button").addEventListener("click", ({ currentTarget }) => {
    const on = document.getElementById("outcomes").classList.toggle("says");
    currentTarget.setAttribute("aria-expanded", String(on));
  }, signal);
}
