/**
 * @file Merging the loss traces of rows: which of many rows, of one layer or of several, loses how many
 * weights.
 */

/** Losses of a problem's steps, [rows][columns]. */
export interface LossTraces {
  losses: Float64Array
  columns: number
}

/**
 * Takes `prune` steps one by one, each time the next step of the row where it costs least (Frantar & Alistarh
 * 2022, algorithm 2), ties to the earlier trace and row; a heap of rows finds it. Returns the number of steps
 * per row, for each trace. Throws where there are fewer steps.
 */
export function mergeTraces(traces: readonly LossTraces[], prune: number): Uint32Array[] {
  const counts = traces.map(({ losses, columns }) => new Uint32Array(losses.length / columns))
  const rows = traces.flatMap((trace, t) => Array.from(counts[t], (_, row) => ({ ...trace, count: counts[t], row })))
  const next = Float64Array.from(rows, ({ losses, columns, row }) => losses[row * columns])
  const steps = rows.reduce((sum, { columns }) => sum + columns, 0)
  if (prune > steps) throw new Error(`cannot prune ${prune} of ${steps} weights`)

  const before = (a: number, b: number) => next[a] < next[b] || (next[a] === next[b] && a < b)
  const heap = Uint32Array.from(rows, (_, i) => i)
  const sink = (from: number) => {
    const moved = heap[from]
    let at = from
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++
      if (!before(heap[child], moved)) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = moved
  }
  for (let i = heap.length >> 1; i >= 0; i--) if (i < heap.length) sink(i)
  for (let i = 0; i < prune; i++) {
    const { losses, columns, count, row } = rows[heap[0]]
    count[row]++
    next[heap[0]] = count[row] < columns ? losses[row * columns + count[row]] : Infinity
    sink(0)
  }
  return counts
}
