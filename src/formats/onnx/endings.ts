/**
 * @file Where a network ends. What follows a choice of boxes (NonMaxSuppression) has sizes that only the
 * running model knows and holds no weights: a network of ours ends before it, with the boxes and their
 * scores.
 */
import { namesRead } from './bodies.ts'
import type { OnnxFile } from './file.ts'
import type { Operation } from './operation.ts'

export interface Ending {
  /** What the network gives: outputs of the file, or what goes into the choice that they come from. */
  outputs: readonly string[]
  /** Outputs of the file that are not reached, each with a sentence. */
  lacking: readonly { output: string; reason: string }[]
}

const choosesBoxes = ({ op }: Operation) => op === 'NonMaxSuppression'

export function endingOf({ path, graph }: OnnxFile, operations: readonly Operation[]): Ending {
  /** The first choices that a name comes from. */
  const choices = new Map<string, readonly Operation[]>()
  for (const operation of operations) {
    const before = [...namesRead(operation.node), ...operation.inputs].flatMap((name) => choices.get(name) ?? [])
    const own = before.length === 0 && choosesBoxes(operation) ? [operation] : [...new Set(before)]
    if (own.length > 0) for (const name of operation.outputs) choices.set(name, own)
  }
  const names = graph.output.map(({ name }) => name)
  const outputs = names.flatMap((name) => choices.get(name)?.flatMap(({ inputs }) => inputs.slice(0, 2)) ?? [name])
  const lacking = names.flatMap((output) => {
    const [choice] = choices.get(output) ?? []
    if (!choice) return []
    const [boxes, scores] = choice.inputs
    const reason = `${path}: ${choice.label} chooses boxes, so that the network ends before it, with ${boxes} and ${scores}`
    return [{ output, reason }]
  })
  return { outputs: [...new Set(outputs)], lacking }
}
