/**
 * @file A sparse matrix that is known, applied along one axis: what resizes, repeats, reverses, pads and
 * picks.
 */
import { type Attributes, attribute, type Builder, check, type Operator } from '../operator.ts'
import { describe, type Shape, type Tensor } from '../tensor.ts'

/**
 * A sparse matrix [rows, columns]: row j has the nonzeros `starts[j]` to before `starts[j + 1]`, with their
 * columns in `places` and their values in `weights`.
 */
export interface Table {
  columns: number
  starts: readonly number[]
  places: readonly number[]
  weights: readonly number[]
}

/** A table of which every row is a list of [place, weight]. */
export function tableOf(columns: number, rows: readonly (readonly (readonly [number, number])[])[]): Table {
  const starts = [0]
  for (const row of rows) starts.push(starts[starts.length - 1] + row.length)
  const nonzeros = rows.flat()
  return { columns, starts, places: nonzeros.map(([place]) => place), weights: nonzeros.map(([, weight]) => weight) }
}

/** The table that picks one place per row, or nothing where that is below 0. */
export const picks = (columns: number, places: readonly number[]): Table =>
  tableOf(
    columns,
    places.map((place) => (place < 0 ? [] : [[place, 1]])),
  )

/** Rows and columns exchanged. */
export function transposedTable({ columns, starts, places, weights }: Table): Table {
  const rows = starts.length - 1
  const begins = new Array<number>(columns + 1).fill(0)
  for (const place of places) begins[place + 1]++
  for (let c = 0; c < columns; c++) begins[c + 1] += begins[c]
  const next = begins.slice()
  const [turnedPlaces, turnedWeights] = [new Array<number>(places.length), new Array<number>(places.length)]
  for (let row = 0; row < rows; row++)
    for (let t = starts[row]; t < starts[row + 1]; t++) {
      const to = next[places[t]]++
      turnedPlaces[to] = row
      turnedWeights[to] = weights[t]
    }
  return { columns: rows, starts: begins, places: turnedPlaces, weights: turnedWeights }
}

const tableIn = (attributes: Attributes, columns: number): Table => {
  const list = (name: string) => attribute<Shape>(attributes, name, [])
  return { columns, starts: list('starts'), places: list('places'), weights: list('weights') }
}

/** An axis that is there, and not that of the samples. */
export function axisIn(operator: string, x: Tensor, attributes: Attributes): number {
  const axis = attribute<number>(attributes, 'axis', 0)
  const valid = Number.isInteger(axis) && axis >= (x.batched ? 1 : 0) && axis < x.shape.length
  check(valid, operator, () => `axis ${axis} is not one of ${describe(x)} that can be changed`)
  return axis
}

/** A shape with another size along one axis. */
export const resized = (shape: Shape, axis: number, size: number) => shape.map((n, i) => (i === axis ? size : n))

/**
 * y = T x along one axis, for a sparse matrix T that is known. Attributes: `axis` (not that of the samples)
 * and T as `starts`, `places`, `weights`, as of {@link Table}.
 */
export const Resample: Operator = {
  name: 'Resample',
  infer: ([x], attributes) => {
    const axis = axisIn('Resample', x, attributes)
    const { starts, places, weights } = tableIn(attributes, x.shape[axis])
    const rising = starts.length > 1 && starts[0] === 0 && starts.every((n, i) => i === 0 || n >= starts[i - 1])
    const fits = rising && starts.at(-1) === places.length && weights.length === places.length
    check(
      fits,
      'Resample',
      () => `the table has ${places.length} places and ${weights.length} weights in rows that are not all of them`,
    )
    check(
      places.every((place) => Number.isInteger(place) && place >= 0 && place < x.shape[axis]),
      'Resample',
      () => `the table has a place that is not one of the ${x.shape[axis]} of ${describe(x)}`,
    )
    return [{ shape: resized(x.shape, axis, starts.length - 1), batched: x.batched }]
  },
  gradient: (graph, { inputs: [x], attributes }, [dy]) => {
    const axis = attribute<number>(attributes, 'axis', 0)
    return [dy && resample(graph, dy, axis, transposedTable(tableIn(attributes, x.shape[axis])))]
  },
}

/** Appends a Resample; the tensor itself where every row picks its own place. */
export function resample(graph: Builder, x: Tensor, axis: number, { columns, starts, places, weights }: Table): Tensor {
  const same =
    columns === starts.length - 1 &&
    places.length === columns &&
    places.every((place, i) => place === i && starts[i] === i && weights[i] === 1)
  return same ? x : graph.apply(Resample, [x], { axis, starts, places, weights })[0]
}
