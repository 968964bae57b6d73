/**
 * @file What a classifier does to the classes one by one: precision, recall and F1 as means over classes, as
 * scikit-learn defines them, and how often the label is among the five largest logits.
 */

/** Means over classes, each from 0 to 1. */
export interface MacroMeasures {
  /**
   * Of the samples that are taken for the class, the share that belong to it; 0 where none are taken for it.
   */
  precision: number
  /** Of the samples that belong to the class, the share that are taken for it; 0 where none belong to it. */
  recall: number
  /** The harmonic mean of both, class by class; 0 where no sample of the class is right. */
  f1: number
}

/** How many of the largest logits count for top-5. */
const TOP = 5

export class ClassCounts {
  /** By class: samples that belong to it, that are taken for it, and those of both. */
  readonly #labelled: Uint32Array
  readonly #taken: Uint32Array
  readonly #right: Uint32Array
  #samples = 0
  #inTop = 0

  constructor(classes: number) {
    this.#labelled = new Uint32Array(classes)
    this.#taken = new Uint32Array(classes)
    this.#right = new Uint32Array(classes)
  }

  /** Counts a sample that belongs to the class `label` and is taken for the class `prediction`. */
  add(label: number, prediction: number): void {
    this.#samples++
    this.#labelled[label]++
    this.#taken[prediction]++
    if (label === prediction) this.#right[label]++
  }

  /**
   * Counts the samples of a batch by their logits, [C][N] with the sample varying fastest. The prediction is
   * the largest logit, the first among equals; a single row is the score of the second of two classes, which
   * is predicted where it is above zero.
   */
  addBatch(logits: ArrayLike<number>, labels: ArrayLike<number>): void {
    const n = labels.length
    const rows = logits.length / n
    for (let i = 0; i < n; i++) {
      const label = labels[i]
      if (rows === 1) {
        this.add(label, logits[i] > 0 ? 1 : 0)
        continue
      }
      const own = logits[label * n + i]
      let [best, before] = [0, 0]
      for (let c = 0; c < rows; c++) {
        const logit = logits[c * n + i]
        if (logit > logits[best * n + i]) best = c
        if (logit > own || (logit === own && c < label)) before++
      }
      this.add(label, best)
      if (before < TOP && !Number.isNaN(own)) this.#inTop++
    }
  }

  /**
   * The means over all classes that some sample belongs to or is taken for; a class of neither kind counts as
   * little as with scikit-learn.
   */
  macro(): MacroMeasures {
    let [precision, recall, f1, present] = [0, 0, 0, 0]
    this.#right.forEach((right, c) => {
      const [labelled, taken] = [this.#labelled[c], this.#taken[c]]
      if (labelled + taken === 0) return
      present++
      if (right === 0) return
      precision += right / taken
      recall += right / labelled
      f1 += (2 * right) / (labelled + taken)
    })
    return { precision: precision / present, recall: recall / present, f1: f1 / present }
  }

  /**
   * The share of samples whose label is among the five largest logits, the first among equals; undefined
   * where there are five classes or fewer, so that all are.
   */
  top5(): number | undefined {
    return this.#right.length > TOP ? this.#inTop / this.#samples : undefined
  }
}
