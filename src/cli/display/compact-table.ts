/**
 * @file What of a network went when channels that it does not need were left out, and what stayed and why.
 */
import { markdownTable } from 'markdown-table'
import type { CompactReport } from '../../formats/onnx/compact-model.ts'
import { type Reason, reasons } from '../../graph/compact.ts'
import { grouped, percent } from '../../util/format.ts'

type Change = { before: number; after: number }

export function compactLines({ layers, parameters, multiplications }: CompactReport): string[] {
  const change = ({ before, after }: Change) => (before === after ? `${before}` : `${before} to ${after}`)
  const size = (what: string, { before, after }: Change) =>
    `${what}: ${grouped(before)} to ${grouped(after)} (${percent(before === 0 ? 1 : after / before)})`
  const rows = layers.map(({ name, inputs, outputs, stay }) => {
    const why = Object.entries(stay).map(([reason, count]) => `${count} ${reasons[reason as Reason]}`)
    return [name, change(inputs), change(outputs), why.join('; ')]
  })
  return [
    markdownTable([['layer', 'inputs', 'outputs', 'outputs that could go but stay'], ...rows], {
      align: ['l', 'r', 'r', 'l'],
    }),
    '',
    size('parameters', parameters),
    size('multiplications of an image', multiplications),
  ]
}
