/**
 * @file Indices in the order of a key, sorted only as far as somebody looks. It serves searches that visit
 * the head of a long list.
 */

/**
 * Ranks the given items by ascending key, and equal keys by ascending item. Building it takes O(n), every
 * further place O(log n). The ranking takes over `items`; keys[item] must be a number for all of them, and
 * must not change while the ranking is in use.
 */
export class Ranking {
  readonly length: number
  readonly #keys: Float64Array
  /** Items 0 .. unsorted-1 are a heap, the best first; behind them lie the sorted ones, the best last. */
  readonly #items: Int32Array
  #unsorted: number

  constructor(keys: Float64Array, items: Int32Array) {
    this.length = this.#unsorted = items.length
    this.#keys = keys
    this.#items = items
    for (let i = (items.length >> 1) - 1; i >= 0; i--) this.#sink(i)
  }

  /** The item at a place, 0 for the lowest key. */
  at(place: number): number {
    while (this.length - this.#unsorted <= place) this.#pop()
    return this.#items[this.length - 1 - place]
  }

  #pop(): void {
    const items = this.#items
    const best = items[0]
    items[0] = items[--this.#unsorted]
    items[this.#unsorted] = best
    this.#sink(0)
  }

  #sink(at: number): void {
    const items = this.#items
    const item = items[at]
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#unsorted) break
      if (child + 1 < this.#unsorted && this.#before(items[child + 1], items[child])) child++
      if (!this.#before(items[child], item)) break
      items[at] = items[child]
      at = child
    }
    items[at] = item
  }

  #before(a: number, b: number): boolean {
    const x = this.#keys[a]
    const y = this.#keys[b]
    return x < y || (x === y && a < b)
  }
}
