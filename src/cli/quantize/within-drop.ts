/**
 * @file Which layers stay floats so that no more than a drop is lost: each layer is made whole alone, and
 * those that lose most by that stay floats, as few as will do.
 */
import type { OnnxFile } from '../../formats/onnx/file.ts'
import type { Quantized } from '../../quantize/quantize.ts'
import { UserError } from '../../util/errors.ts'
import { isDistance, type Measured } from '../display/measured.ts'
import type { Judge } from './networks.ts'

export interface Within {
  /** Names of the layers that are whole. */
  whole: ReadonlySet<string>
  /**
   * Names of those that stay floats, the worst first, each with the loss of the network with it alone
   * whole.
   */
  floats: { name: string; loss: number }[]
}

export interface WithinOptions {
  judge: Judge
  /** The network in floats. */
  file: OnnxFile
  /** Points of accuracy, or distance. */
  most: number
  progress?(what: string, share: number): void
}

/** Throws UserError where not even one layer can be whole. */
export function wholeWithin(quantized: Quantized, { judge, file, most, progress }: WithinOptions): Within {
  const names = quantized.layers.map(({ name }) => name)
  const dense = judge.measure(file)
  const drop = (some: readonly string[]) => dropOf(dense, judge.measure(quantized.assemble(new Set(some)).file))
  if (drop(names) <= most) return { whole: new Set(names), floats: [] }
  const alone = names.map((name, i) => {
    progress?.(name, (i + 1) / (names.length + 1))
    return { name, loss: judge.measure(quantized.assemble(new Set([name])).file).loss }
  })
  const worst = alone.toSorted((a, b) => b.loss - a.loss)
  const left = (count: number) => worst.slice(count).map(({ name }) => name)
  // The least number of floats that does, where more floats lose no more.
  let [few, many] = [0, worst.length]
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2)
    progress?.(`${middle} layers in floats`, 1)
    if (drop(left(middle)) <= most) many = middle
    else few = middle
  }
  if (many === worst.length)
    throw new UserError(`--max-drop ${most}: not even one layer can be whole numbers; expected a larger drop`)
  return { whole: new Set(left(many)), floats: worst.slice(0, many) }
}

/** Points of accuracy that are lost, or the distance. */
function dropOf(dense: Measured, now: Measured): number {
  if (isDistance(dense) || isDistance(now)) return now.loss
  return 100 * (dense.accuracy - now.accuracy)
}
