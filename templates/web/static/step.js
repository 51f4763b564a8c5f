// The one more step goes by itself: after a wait, or as soon as the work is done. Without this file the button appears.

// SHA-256 (FIPS 180-4) of a short text in ASCII; its first 32 bits. The browser's own is missing on plain http.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const bitsOf = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const START = primes.slice(0, 8).map((prime) => bitsOf(Math.sqrt(prime)));
const ROUNDS = primes.map((prime) => bitsOf(Math.cbrt(prime)));

const words = new Int32Array(64);
const turned = (word, by) => (word >>> by) | (word << (32 - by));

const firstWord = (text) => {
  words.fill(0);
  for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  words[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
  words[15] = 8 * text.length;
  for (let i = 16; i < 64; i++) {
    const [a, b] = [words[i - 15], words[i - 2]];
    words[i] = words[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + words[i - 7]
      + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = START;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return (a + START[0]) >>> 0;
};

const form = document.querySelector("form[data-seconds]");
const { step, work } = form.elements;
const bits = Number(form.dataset.bits);

const look = (nonce) => {
  const until = performance.now() + 40; // then the page may breathe
  for (; performance.now() < until; nonce++) {
    if (firstWord(`${step.value}:${nonce}`) < 2 ** (32 - bits)) {
      work.value = nonce;
      form.requestSubmit();
      return;
    }
  }
  setTimeout(look, 0, nonce);
};

if (bits) look(0);
else setTimeout(() => form.requestSubmit(), 1000 * Number(form.dataset.seconds) + 200);
