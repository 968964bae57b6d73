/** @file espalier run: a recipe from start to report. */

import { Command } from 'commander'
import { notNegative, repeated, whole } from '../flags/parse.ts'
import type { RunFlags } from '../flags/run.ts'

export const runCommand = (): Command =>
  new Command('run')
    .argument(
      '[recipe]',
      'a YAML file, a JSON configuration (docs/methods.md), the name of a recipe of this package (espalier list recipes), or a folder of such files: all are run',
    )
    .option('--from <line>', "in the place of a recipe: a command line of DSR's program, 'python main.py --model ...'")
    .option('--set <key=value>', 'change a value of the recipe, such as train.epochs=5 (repeatable)', repeated, [])
    .option('--seed <n>', 'seed of all random draws')
    .option('--on-collapse <what>', 'when pruning empties a layer or leaves no path: warn, floor or error')
    .option('--kernels <kind>', 'which layers skip their zeros: auto, dense or sparse (train.kernels)')
    .option('--costs <file>', 'the table of costs that auto goes by, of espalier calibrate (train.costs)')
    .option(
      '--out <dir>',
      'run folder (default: a new one under runs/; with --from runs/MODEL_JOB; of a folder of recipes sweeps/ and its name)',
    )
    .option(
      '--resume',
      'go on with the run in --out from its last checkpoint; with a folder of recipes, run what is missing',
    )
    .option('--force', 'replace the run in --out')
    .option('--dry-run', 'show the network, its counts and the estimated cost; train nothing')
    .option('--checkpoint-seconds <n>', 'time between checkpoints (default: 10)', notNegative('--checkpoint-seconds'))
    .option('--jobs <n>', 'of a folder of recipes: runs at a time (default: 1)', whole('--jobs', 1, 1024))
    .option('--until-pruning', 'stop with a checkpoint a step before the first pruning event')
    .option('--quiet', 'print nothing but errors')
    .option('--json', 'print one JSON object per line: epochs and events')
    .option('--json-steps', 'the same, with the progress of steps between them')
    .action(async (path: string | undefined, options: RunFlags) => (await import('../work/run.ts')).run(path, options))
