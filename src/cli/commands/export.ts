/** @file espalier export: the metrics of runs and sweeps, for other tools. */

import { Command, Option } from 'commander'
import { exportFormatNames } from '../../export/format-names.ts'
import type { ExportOptions } from '../work/export.ts'

export const exportCommand = (): Command =>
  new Command('export')
    .argument('[folders...]', 'folders of runs and sweeps, or folders that hold some', ['runs'])
    .addOption(
      new Option('--to <format>', 'event files of TensorBoard, or a table with a row for each step')
        .choices(exportFormatNames)
        .default('tensorboard'),
    )
    .requiredOption('-o, --output <folder>', 'write there, each run into a folder of its own')
    .option('--force', 'write into a folder that is not empty, over what was exported there before')
    .option('--json', 'print one JSON array, an object for every run')
    .action(async (folders: string[], options: ExportOptions) =>
      (await import('../work/export.ts')).exportRuns(folders, options),
    )
