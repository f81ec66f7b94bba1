// An idle desk asks by itself whether there is work, and calls: a sound, the tab's title, words for a screen reader. It asks less
// often while nobody sees the page or nobody answers, and no more once the person is signed out.

import { announce } from "./swap.js";

const EVERY_S = 15;
const HIDDEN_S = 60;
const LONGEST_S = 300;
const TONES = [660, 880];

let sounds = null;

// A browser plays nothing before a key or button was pressed on the page: from then on the sound is ready.
function tuneIn() {
  sounds ??= new AudioContext();
  sounds.resume();
}
for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, tuneIn, { once: true });

function chime() {
  if (sounds?.state !== "running") return false;
  TONES.forEach((tone, place) => {
    const [at, voice, loud] = [sounds.currentTime + place * 0.18, sounds.createOscillator(), sounds.createGain()];
    voice.frequency.value = tone;
    loud.gain.setValueAtTime(0.15, at);
    loud.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
    voice.connect(loud).connect(sounds.destination);
    voice.start(at);
    voice.stop(at + 0.4);
  });
  return true;
}

// Call, as this person wants to be called; false when a sound was wanted and the browser played none.
export function ring(how, title, words) {
  announce(words);
  if (how !== "nothing") document.title = `● ${title}`;
  return how !== "sound" || chime();
}

// Whoever switches the sound on hears it once.
document.addEventListener("click", (event) => {
  if (!event.target.closest("button[name=ring][value=sound]")) return;
  tuneIn();
  sounds.resume().then(chime);
});

export function watchForWork() {
  const desk = document.getElementById("desk");
  return desk?.dataset.waiting ? new Watch(desk).start() : () => {};
}

class Watch {
  constructor(desk) {
    this.desk = desk;
    this.known = { ready: Number(desk.dataset.ready), promised: Number(desk.dataset.promised) };
    this.title = document.title;
    this.failed = 0;
    this.leaving = new AbortController();
  }

  start() {
    const signal = { signal: this.leaving.signal };
    document.addEventListener("visibilitychange", () => document.hidden || this.ask(), signal);
    this.later();
    return () => {
      this.leaving.abort();
      clearTimeout(this.timer);
    };
  }

  later() {
    clearTimeout(this.timer);
    if (this.leaving.signal.aborted) return;
    const seconds = Math.min(LONGEST_S, (document.hidden ? HIDDEN_S : EVERY_S) * 2 ** this.failed);
    this.timer = setTimeout(() => this.ask(), seconds * 1000);
  }

  async ask() {
    clearTimeout(this.timer);
    try {
      const answer = await fetch(this.desk.dataset.waiting, {
        headers: { Accept: "application/json" },
        signal: this.leaving.signal,
      });
      if (answer.status === 401) return this.signedOut();
      if (!answer.ok) throw new Error(answer.status);
      this.heard(await answer.json());
      this.failed = 0;
    } catch {
      this.failed = Math.min(5, this.failed + 1);
    }
    if (!this.leaving.signal.aborted) document.getElementById("not-asked").hidden = this.failed < 2;
    this.later();
  }

  heard(found) {
    if (this.leaving.signal.aborted) return;
    const { ready, promised } = this.known;
    this.known = found;
    document.getElementById("ready-words").textContent = found.says;
    document.getElementById("waits").hidden = found.ready > 0;
    const calls = (found.ready > 0 && !ready) || found.promised > promised;
    if (calls) this.call(found);
    else if (!found.ready && !found.promised) document.title = this.title;
  }

  call(found) {
    const heard = ring(this.desk.dataset.ring, found.title, found.says);
    document.getElementById("ring-silent").hidden = heard;
  }

  signedOut() {
    this.leaving.abort();
    document.getElementById("signed-out").hidden = false;
    if (this.desk.dataset.ring !== "nothing") document.title = "Signed out · Loopkeeper";
  }
}
