/* The points of the map: where they are on the screen, which one is nearest, and which ones a line encloses.
   Positions are 0…1; the view says which part of them the screen shows. Nothing here touches the document. */

const CELLS = 128;

export class Points {
  /* x, y: whole numbers up to `steps`. */
  constructor(x, y, steps) {
    this.n = x.length;
    this.x = Float32Array.from(x, (value) => value / steps);
    this.y = Float32Array.from(y, (value) => value / steps);
    this.#sort();
  }

  /* Puts the points into cells, so that only those near a position are looked at. */
  #sort() {
    const cell = new Uint16Array(this.n);
    this.starts = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < this.n; i++) {
      cell[i] = cellOf(this.y[i]) * CELLS + cellOf(this.x[i]);
      this.starts[cell[i] + 1] += 1;
    }
    for (let c = 0; c < CELLS * CELLS; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.order = new Uint32Array(this.n);
    for (let i = 0; i < this.n; i++) this.order[next[cell[i]]++] = i;
  }

  /* Calls `on(i)` for each point of the cells that touch a box. */
  #within(left, top, right, bottom, on) {
    const [first, last] = [cellOf(left), cellOf(right)];
    for (let row = cellOf(top); row <= cellOf(bottom); row++) {
      const end = this.starts[row * CELLS + last + 1];
      for (let at = this.starts[row * CELLS + first]; at < end; at++) on(this.order[at]);
    }
  }

  /* Returns the point nearest to a position, at most `far` away; -1: none. */
  nearest(x, y, far) {
    let best = -1;
    let least = far * far;
    this.#within(x - far, y - far, x + far, y + far, (i) => {
      const away = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (away <= least) [best, least] = [i, away];
    });
    return best;
  }

  /* Returns the points in a circle. */
  around(x, y, far) {
    const found = [];
    this.#within(x - far, y - far, x + far, y + far, (i) => {
      if ((this.x[i] - x) ** 2 + (this.y[i] - y) ** 2 <= far * far) found.push(i);
    });
    return found;
  }

  /* Returns the points inside a closed line, [x, y, x, y, …], by the even-odd rule. */
  inside(line) {
    const found = [];
    const xs = line.filter((_, k) => k % 2 === 0);
    const ys = line.filter((_, k) => k % 2 === 1);
    if (xs.length < 3) return found;
    const edges = edgesOf(xs, ys);
    this.#within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
      if (encloses(edges, this.x[i], this.y[i])) found.push(i);
    });
    return found;
  }
}

const cellOf = (value) => Math.min(CELLS - 1, Math.max(0, Math.floor(value * CELLS)));

/* The edges by bands of y, so that a point is compared only with those at its height. */
function edgesOf(xs, ys) {
  const bands = Array.from({ length: CELLS }, () => []);
  for (let k = 0, before = xs.length - 1; k < xs.length; before = k++) {
    if (ys[k] === ys[before]) continue;
    const edge = [xs[k], ys[k], xs[before], ys[before]];
    for (let band = cellOf(Math.min(ys[k], ys[before])); band <= cellOf(Math.max(ys[k], ys[before])); band++) bands[band].push(edge);
  }
  return bands;
}

function encloses(bands, x, y) {
  let inside = false;
  for (const [x1, y1, x2, y2] of bands[cellOf(y)]) if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  return inside;
}
