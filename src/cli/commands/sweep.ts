/** @file espalier sweep: a recipe over a grid of values. */

import { Command } from 'commander'
import { paragraphs } from '../display/width.ts'
import { repeated, whole } from '../flags/parse.ts'
import type { SweepOptions } from '../work/sweep.ts'

const HELP = [
  'With --redis, recipes are sent to workers, files that they name are not: data sets, weights and ONNX models have',
  "to be found on the workers' machines under the same paths. Results come back through Redis into --out.",
].join(' ')

export const sweepCommand = (): Command =>
  new Command('sweep')
    .argument(
      '<sweep>',
      'a YAML file (recipe, set, grid), or the name of a sweep of this package (espalier list recipes)',
    )
    .option('--set <key=value>', 'change a value of the recipe for all runs (repeatable)', repeated, [])
    .option('--out <dir>', 'folder of the sweep (default: sweeps/ and its name)')
    .option('--jobs <n>', 'runs at a time (default: 1)', whole('--jobs', 1, 1024))
    .option('--threads <n>', 'threads of each run (default: processors over jobs)', whole('--threads', 1, 1024))
    .option(
      '--redis <url>',
      'run on the workers of this Redis (espalier worker) instead of here: redis://:password@host:6379',
    )
    .option('--resume', 'run what is missing in --out')
    .option('--dry-run', 'show the runs and those that are done; run nothing')
    .option('--json', 'print one JSON object per line: runs that begin, end or fail')
    .option('--json-steps', 'the same, with the progress of runs between them')
    .addHelpText('after', () => paragraphs(HELP))
    .action(async (path: string, options: SweepOptions) => (await import('../work/sweep.ts')).sweepOver(path, options))
