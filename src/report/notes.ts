/** @file What has to be said beside the tables of a report: what figures count, and what is missing. */

import { publishedFor } from '../experiment/recipe/sections/about.ts'
import { LAST } from '../experiment/run/last-evaluations.ts'
import { type Groups, labelOf } from './groups.ts'

export function notesOf({ groups }: Groups): string[] {
  const runs = groups.flatMap((group) => group.runs)
  const incomplete = runs.filter(({ result }) => !result)
  const constant = groups.filter((group) => group.runs.some(({ result }) => result?.final.constant))
  const tested = runs.some(({ last }) => last.testEvaluations !== undefined)
  const kept = runs.filter(({ result }) => result?.keptEpoch !== undefined)
  return [
    'Figures are means and sample deviations (±) over runs that differ by nothing but their seed. Sparsity is the share of zeros among prunable weights (of tied weights, the share that cannot be learned); “of all” is the same among all parameters, biases and normalizations included.',
    `Test accuracy is that of the network at the end of its run, on the test set, which is ${tested ? 'evaluated while training, too, in some runs (“last” are means over so many evaluations)' : 'read once'}. Losses, validation and “pruned” (with the largest weights alone) are means over the last ${LAST} epochs, or all where there are fewer. MFLOP: millions of operations of one inference, two for every nonzero weight and place that it is used at.`,
    ...(runs.some(({ last }) => last.f1 !== undefined)
      ? ['Top-5, and precision, recall and F1 as means over classes, are of the same network and test set.']
      : []),
    ...(kept.length > 0
      ? [
          `In ${kept.length} of ${runs.length} runs the network is that of the best epoch by held-out samples: the test set took no part in the choice.`,
        ]
      : []),
    ...(runs.some(({ recipe }) => publishedFor(recipe).length > 0)
      ? [
          'Published figures belong to the settings of the recipes as they are; beside runs with another budget they only show the direction.',
        ]
      : []),
    ...(incomplete.length > 0
      ? [
          `${incomplete.length} of ${runs.length} runs ${incomplete.length === 1 ? 'is' : 'are'} not complete and count only where an average of epochs stands: ${listed(incomplete.map(({ folder }) => folder))}.`,
        ]
      : []),
    ...(constant.length > 0
      ? [`The outputs are the same for every test sample in runs of ${listed(constant.map(labelOf))}: chance accuracy.`]
      : []),
  ]
}

/** How many names a sentence lists. */
const MOST_NAMED = 5

/** The first few names of a list, and how many more there are. */
export const listed = (names: readonly string[]): string =>
  `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}`
