// A card that is open: its clocks, its lease, its draft, its number. `openCard` returns what closes it again.

import { watchOutcomes } from "./outcomes.js";
import { announce, offline } from "./swap.js";
import { ring } from "./waits.js";

const IDLE_HEARTBEATS_S = 300; // nobody here for so long: the lease is not renewed, and the card says so
const BEAT_S = 60;
const WARN_S = 180;
const LONGEST_CALL_S = 3600;

export function openCard() {
  const stops = [showUndo()];
  const page = document.getElementById("card");
  if (page) stops.push(new Card(page).open());
  document.getElementById("problem")?.focus();
  return () => stops.forEach((stop) => stop());
}

function every(seconds, work) {
  const timer = setInterval(work, seconds * 1000);
  return () => clearInterval(timer);
}

const two = (number) => String(number).padStart(2, "0");
const clock = (seconds) => `${Math.floor(seconds / 60)}:${two(Math.floor(seconds % 60))}`;

// How long the last outcome can still be taken back. The server's clock counts, not this machine's.
function showUndo() {
  const saved = document.getElementById("saved");
  const left = document.getElementById("undo-left");
  if (!saved) return () => {};
  const opened = performance.now();
  const seconds = Number(saved.dataset.left);
  const draw = () => {
    const rest = Math.ceil(seconds - (performance.now() - opened) / 1000);
    left.textContent = `${rest} s`;
    if (rest <= 0) saved.hidden = true;
  };
  draw();
  return every(1, draw);
}

class Card {
  constructor(page) {
    this.page = page;
    this.form = document.getElementById("outcome");
    this.ahead = Date.parse(page.dataset.now) - Date.now(); // the server's clock counts
    this.started = Date.parse(page.dataset.started);
    this.leaseUntil = Date.parse(page.dataset.leaseUntil);
    this.callUntil = page.dataset.callUntil ? Date.parse(page.dataset.callUntil) : Infinity;
    this.idleAfter = Number(page.dataset.idle ?? 120);
    this.place = `card-${page.dataset.task}-${page.dataset.fence}`;
    this.kept = { fields: {}, answers: [], away: 0, ...this.drafted() };
    this.touched = Date.now();
    this.ticked = Date.now();
    this.beaten = Date.now();
  }

  open() {
    this.leaving = new AbortController();
    const signal = { signal: this.leaving.signal };
    this.restore();
    this.watchFields(signal);
    this.watchNumber(signal);
    watchOutcomes(this.form, signal, () => this.note());
    this.form.addEventListener("submit", () => this.say(), { ...signal, capture: true });
    this.watchPresence(signal);
    this.tick();
    const stop = every(1, () => this.tick());
    return () => {
      stop();
      this.leaving.abort();
    };
  }

  now() {
    return Date.now() + this.ahead;
  }

  keep() {
    sessionStorage.setItem(this.place, JSON.stringify(this.kept));
  }

  // -- what was typed outlives a reload, a lost connection, a sign-in that ended, and the card making room for another

  drafted() {
    const read = (fence) => JSON.parse(sessionStorage.getItem(`card-${this.page.dataset.task}-${fence}`) || "null");
    const fence = Number(this.page.dataset.fence);
    const own = read(fence);
    if (own) return own;
    const before = read(fence - 1) ?? {};
    if (this.page.dataset.takenBack !== undefined) {
      const { away = 0, talkFrom, talkTo, sentAt } = before; // its clock runs since its claim: so does what is not counted
      return { away, talkFrom, talkTo: talkFrom && (talkTo ?? sentAt) };
    }
    return before.fields && !before.sent ? { fields: before.fields, answers: before.answers } : {};
  }

  fields() {
    return [...this.page.querySelectorAll("textarea, input:not([type=hidden])")].filter((each) => each.name);
  }

  restore() {
    if (this.page.dataset.takenBack === undefined) {
      for (const field of this.fields()) {
        const was = this.kept.fields[`${field.name}:${field.type === "radio" ? field.value : ""}${answerOf(field)}`];
        if (was === undefined) continue;
        if (field.matches("[type=checkbox], [type=radio]")) field.checked = was;
        else if (!field.value) field.value = was;
      }
    }
    for (const box of this.page.querySelectorAll("details.more")) {
      box.open ||= [...box.querySelectorAll("input:not([type=checkbox], [type=radio])")].some((each) => each.value);
    }
    for (const tick of this.page.querySelectorAll("input[name=answers][type=checkbox]")) {
      if (tick.checked) tick.closest("details").open = true;
    }
    this.note();
  }

  watchFields(signal) {
    this.page.addEventListener("input", () => this.note(), signal);
    this.page.addEventListener("submit", (event) => this.sent(event), signal);
    for (const box of this.page.querySelectorAll("details.answer")) {
      const tick = box.querySelector("input[name=answers]");
      box.addEventListener("toggle", () => this.opened(box, tick), signal);
      tick?.addEventListener("change", () => this.opened(box, tick, false), signal);
    }
  }

  // Opening an answer is saying that they said it; closing it again takes that back.
  opened(box, tick, follow = true) {
    if (!tick) return;
    if (follow) tick.checked = box.open;
    const number = tick.value;
    this.kept.answers = this.kept.answers.filter((each) => each !== number);
    if (tick.checked) this.kept.answers.push(number);
    this.hint(box, tick.checked);
    this.note();
  }

  hint(box, on) {
    const outcome = box.querySelector(".usual")?.dataset.outcome;
    const button = outcome && this.form.querySelector(`button[value="${CSS.escape(outcome)}"]`);
    button?.classList.toggle("usual-one", on);
  }

  // What went with an outcome is no draft any more, when the same task comes again one day.
  sent(event) {
    if (event.defaultPrevented || event.target.closest("#saved")) return;
    this.kept.sent = true;
    this.kept.sentAt = this.now();
    this.keep();
  }

  note() {
    delete this.kept.sent;
    this.kept.fields = Object.fromEntries(
      this.fields().map((each) => [
        `${each.name}:${each.type === "radio" ? each.value : ""}${answerOf(each)}`,
        each.matches("[type=checkbox], [type=radio]") ? each.checked : each.value,
      ]),
    );
    this.say();
    this.keep();
  }

  // what the form carries beside what is typed
  say() {
    const { talkFrom, talkTo, away, answers } = this.kept;
    const now = this.now();
    const ended = talkTo ?? now;
    this.form.elements.talk_seconds.value = talkFrom ? Math.round((ended - talkFrom) / 1000) : "";
    this.form.elements.wrap_seconds.value = talkFrom ? Math.round((now - ended) / 1000) : "";
    this.form.elements.away_seconds.value = Math.round(away);
    document.getElementById("answers").value = answers.join(",");
  }

  // -- the number, the call, the time after it

  watchNumber(signal) {
    const reveal = document.getElementById("reveal");
    const hangUp = document.getElementById("hang-up");
    reveal.addEventListener("submit", (event) => this.reveal(event), signal);
    document.getElementById("reveal-address")?.addEventListener("submit", (event) => this.revealAddress(event), signal);
    hangUp.addEventListener("click", () => this.hungUp(), signal);
    document.getElementById("copy-number")?.addEventListener("click", (event) => this.copy(event.target), signal);
    if (document.querySelector("#reveal > .number a")) this.calls();
    if (this.kept.talkFrom && !this.kept.talkTo) hangUp.hidden = false;
  }

  async reveal(event) {
    event.preventDefault();
    const found = await this.ask(event.target.action);
    delete event.target.dataset.sent;
    if (!found) return;
    const link = document.getElementById("call-link");
    const button = event.target.querySelector("button[data-action=number]");
    if (found.problem) {
      announce(found.problem);
      link.parentElement.textContent = found.problem;
      document.getElementById("copy-number").hidden = true;
    } else {
      link.href = `tel:${found.number}`;
      link.textContent = found.spoken;
      this.calls();
    }
    document.getElementById("number").hidden = false;
    button.hidden = true;
    if (found.problem) return;
    link.focus({ preventScroll: true });
    if (this.page.dataset.dials !== undefined) link.click();
  }

  async revealAddress(event) {
    event.preventDefault();
    const found = await this.ask(event.target.action);
    delete event.target.dataset.sent;
    if (!found) return;
    const shown = document.getElementById("address");
    shown.textContent = found.email ?? found.problem;
    shown.hidden = false;
    event.target.querySelector("button").hidden = true;
  }

  calls() {
    this.kept.talkFrom ??= this.now();
    delete this.kept.talkTo;
    document.getElementById("hang-up").hidden = false;
    this.keep();
  }

  hungUp() {
    this.kept.talkTo = this.now();
    document.getElementById("hang-up").hidden = true;
    announce("The call has ended.");
    this.keep();
    this.tick();
  }

  async copy(button) {
    await navigator.clipboard.writeText(document.getElementById("call-link").href.replace("tel:", ""));
    button.textContent = "Copied";
  }

  onCall() {
    const { talkFrom, talkTo } = this.kept;
    return Boolean(talkFrom && !talkTo && this.now() - talkFrom < LONGEST_CALL_S * 1000);
  }

  // -- presence, lease and clocks, once a second

  watchPresence(signal) {
    const touch = () => this.touch();
    for (const name of ["keydown", "pointerdown", "pointermove", "wheel"]) {
      document.addEventListener(name, touch, { ...signal, passive: true });
    }
    document.addEventListener("visibilitychange", () => this.tick(), signal);
    document.getElementById("lease-keep").addEventListener("click", () => this.beat(), signal);
  }

  touch() {
    const wasLong = Date.now() - this.touched > BEAT_S * 1000;
    this.touched = Date.now();
    if (wasLong) this.beat();
  }

  tick() {
    const now = Date.now();
    const passed = (now - this.ticked) / 1000;
    this.ticked = now;
    const idle = (now - this.touched) / 1000;
    if (!this.onCall() && (document.hidden || idle > this.idleAfter)) {
      this.kept.away += passed;
      this.keep();
    }
    if (now - this.beaten > BEAT_S * 1000 && (this.onCall() || idle < IDLE_HEARTBEATS_S)) this.beat();
    this.draw();
  }

  draw() {
    const now = this.now();
    const { talkFrom, talkTo, away } = this.kept;
    write("timer", clock(Math.max(0, (now - this.started) / 1000)));
    box("talk", talkFrom && ((talkTo ?? now) - talkFrom) / 1000);
    box("wrap", talkTo && (now - talkTo) / 1000);
    box("away", away >= 1 && away);
    const limit = Number(this.page.dataset.wrapLimit);
    document.getElementById("wrap-over")?.toggleAttribute("hidden", !(limit && talkTo && now - talkTo > limit * 1000));
    const left = (this.leaseUntil - now) / 1000;
    document.getElementById("lease-soon").hidden = left > WARN_S || left <= 0;
    if (left <= WARN_S) write("lease-left", clock(Math.max(0, left)));
    if (left <= 0) document.getElementById("lease-lost").hidden = false;
    if (now >= this.callUntil) this.shut();
  }

  shut() {
    document.getElementById("window-shut").hidden = false;
    const button = this.page.querySelector("button[data-action=number]");
    if (button) button.disabled = true;
    if (this.onCall()) return;
    document.getElementById("number")?.setAttribute("hidden", "");
  }

  async beat() {
    this.beaten = Date.now();
    const found = await this.ask(this.page.dataset.heartbeat);
    if (!found) return;
    if (found.held === false) {
      document.getElementById("lease-lost").hidden = false;
      return;
    }
    document.getElementById("lease-lost").hidden = true;
    if (found.until) this.leaseUntil = Date.parse(found.until);
    document.getElementById("newer")?.toggleAttribute("hidden", !found.newer);
    this.promised(found);
    const unread = found.wrote > Number(this.page.dataset.wrote);
    document.getElementById("wrote").hidden = !unread;
    const button = this.page.querySelector("button[data-action=number]");
    if (unread && button) button.disabled = true;
  }

  // A call they promised has come due meanwhile: said, and rung for unless they are on the phone.
  promised({ due = 0, due_words: words }) {
    const shown = document.getElementById("promise-due");
    shown.querySelector("span").textContent = words;
    shown.hidden = !due;
    if (due > (this.due ?? 0)) ring(this.onCall() ? "title" : this.page.dataset.ring, "Callback due · Loopkeeper", words);
    this.due = due;
  }

  // Ask the server something about this card; null when it cannot be reached, or does not know us any more, or when
  // another card took this one's place meanwhile: its answer must never stand on that one.
  async ask(address) {
    const token = document.querySelector("meta[name=csrf-token]").content;
    const body = new URLSearchParams({ csrf_token: token, fence: this.page.dataset.fence });
    try {
      const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
      if (this.leaving.signal.aborted) return null;
      if (answer.status === 401) {
        document.getElementById("signed-out").hidden = false;
        return null;
      }
      offline(false);
      const found = await answer.json();
      return this.leaving.signal.aborted ? null : found;
    } catch {
      if (!this.leaving.signal.aborted) offline(true);
      return null;
    }
  }
}

const answerOf = (field) => (field.name === "answers" ? field.value : "");

function write(id, words) {
  const shown = document.getElementById(id);
  if (shown.textContent !== words) shown.textContent = words;
}

function box(name, seconds) {
  document.getElementById(`${name}-box`).hidden = !seconds && seconds !== 0;
  if (seconds) write(name, clock(seconds));
}
