/** @file What the runs of a ticket came to, as Markdown. */
import { markdownTable } from 'markdown-table'
import { collapseSentences } from '../../sparsity/collapse.ts'
import { grouped, percent } from '../../util/format.ts'
import type { Recipe } from '../recipe/schema.ts'
import type { RunResult } from '../run/events.ts'
import { gapText } from '../run/report.ts'

export interface PhaseResult {
  name: string
  result: RunResult
  /** By layer: units without a weight in the final network. */
  dead: { outputs: number; inputs: number }[]
}

/** Test accuracy of every run, and of every layer what is left and cut off. */
export function ticketTables(phases: readonly PhaseResult[]): string {
  const head = ['run', 'weights', 'sparsity', 'before pruning', 'test accuracy', 'path to outputs']
  const accuracies = phases.map(({ name, result: { dense, final, layers, sparsity, deadOutputs, outputs } }) => [
    name,
    grouped(layers.reduce((sum, { kept }) => sum + kept, 0)),
    percent(sparsity),
    dense ? percent(dense.accuracy) : '',
    `${percent(final.accuracy)}${final.constant ? ' (constant)' : ''}`,
    deadOutputs === 0 ? 'all' : `${outputs - deadOutputs} of ${outputs}`,
  ])
  const pruned = phases.filter(({ result }) => result.sparsity > 0)
  const table = (cell: (phase: PhaseResult, layer: number) => string) => {
    const rows = (pruned[0]?.result.layers ?? []).map(({ name }, layer) => [
      name,
      ...pruned.map((phase) => cell(phase, layer)),
    ])
    const names = ['layer', ...pruned.map(({ name }) => name)]
    return markdownTable([names, ...rows], { align: rightOf(names) })
  }
  const left = table(({ result: { layers } }, layer) => {
    const { kept, effective } = layers[layer]
    return effective < kept ? `${grouped(kept)} (${grouped(effective)})` : grouped(kept)
  })
  const dead = table(({ dead }, layer) => `${grouped(dead[layer].outputs)}, ${grouped(dead[layer].inputs)}`)
  return [
    markdownTable([head, ...accuracies], { align: rightOf(head) }),
    ...(pruned.length === 0
      ? []
      : [
          '',
          'Weights left in each layer; in brackets those on a path from input to output, where these are fewer:',
          '',
          left,
          '',
          'Dead units of each layer: outputs without a weight, inputs without one:',
          '',
          dead,
        ]),
  ].join('\n')
}

const rightOf = (columns: readonly string[]) => columns.map((_, i) => (i === 0 ? 'l' : 'r'))

export function ticketReport(recipe: Recipe, engine: string, phases: readonly PhaseResult[]): string {
  const { ticket } = recipe
  const notes = phases.flatMap(({ name, result }) =>
    [...[gapText(result.gap)].filter(Boolean), ...collapseSentences(result)].map((sentence) => `${name}: ${sentence}`),
  )
  return [
    `# ${recipe.name}`,
    '',
    ...(recipe.summary ? [recipe.summary, ''] : []),
    `Model ${recipe.model.name}, data ${recipe.data.name}, seed ${recipe.seed}; engine: ${engine}. Compression ratio ${ticket?.ratio}, by weights of layers without biases.`,
    `${ticket?.retrain === false ? '' : `Tickets go back to step ${ticket?.rewind} with empty momentum and train with their masks frozen. `}Each run has a folder here, with its own report.`,
    '',
    ticketTables(phases),
    '',
    ...notes.flatMap((line) => [line, '']),
  ].join('\n')
}
