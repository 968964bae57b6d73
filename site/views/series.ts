/** @file How the lines of charts look: a colour and a mark for each method, a shade for each sparsity. */

/** A point of a line. `low` to `high`: a deviation around it. */
export interface Point {
  x: number
  y: number
  low?: number
  high?: number
}

export interface Series {
  /** What the line is called in full. */
  name: string
  /** What the legend lists, and hides; several lines may share it. */
  group: string
  /** Of the group, in the order of the legend. */
  index: number
  /** 0 to 1: the sparser, the stronger. */
  shade: number
  points: readonly Point[]
  /** Points beside the line, drawn hollow: published figures. */
  beside?: readonly Point[]
}

/** How many colours there are (src/report/pictures/theme.ts). */
const COLORS = 10
/** The weakest shade, in percent: still three to one against the page. */
const WEAKEST = 62

export function colorOf(index: number, shade = 1): string {
  const color = `var(--series-${index % COLORS})`
  return shade >= 1
    ? color
    : `color-mix(in oklab, ${color} ${Math.round(WEAKEST + (100 - WEAKEST) * shade)}%, var(--card))`
}

/** The outlines of marks of about the same area around 0, 0, so that series differ by more than colour. */
const MARKS = [
  (r: number) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  (r: number) => box(0.88 * r),
  (r: number) => `M0 ${-1.25 * r}L${1.15 * r} ${0.8 * r}H${-1.15 * r}z`,
  (r: number) => `M0 ${-1.3 * r}L${1.1 * r} 0L0 ${1.3 * r}L${-1.1 * r} 0z`,
  (r: number) => cross(1.15 * r, 0.42 * r),
  (r: number) => `M0 ${1.25 * r}L${1.15 * r} ${-0.8 * r}H${-1.15 * r}z`,
]
const box = (a: number) => `M${-a} ${-a}H${a}V${a}H${-a}z`
const cross = (a: number, b: number) => `M${-b} ${-a}H${b}V${-b}H${a}V${b}H${b}V${a}H${-b}V${b}H${-a}V${-b}H${-b}z`

/** The path of a mark of a radius. */
export const markOf = (index: number, radius: number): string => MARKS[index % MARKS.length](radius)

/** The shade of each value among some, in their order: 0 of the smallest, 1 of the largest or only one. */
export function shadesOf(values: readonly (number | undefined)[]): number[] {
  const ranks = [...new Set(values.filter((value) => value !== undefined))].sort((a, b) => a - b)
  return values.map((value) =>
    value === undefined || ranks.length < 2 ? 1 : ranks.indexOf(value) / (ranks.length - 1),
  )
}
