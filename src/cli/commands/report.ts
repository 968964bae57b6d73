/** @file espalier report: what runs and sweeps came to, as tables, a page or a document with pictures. */

import { Command, Option } from 'commander'
import { formats } from '../../report/formats/names.ts'
import type { ReportOptions } from '../work/report.ts'

export const reportCommand = (): Command =>
  new Command('report')
    .argument('[folders...]', 'folders of runs and sweeps, or folders that hold some', ['runs'])
    .addOption(
      new Option('--format <format>', 'tables alone (csv, latex), or all with pictures (markdown, html)').choices(
        formats,
      ),
    )
    .option('-o, --output <file>', 'write there instead of printing (.md, .csv, .tex or .html also says the format)')
    .option('--svg <dir>', 'write the pictures as SVG files there; a Markdown report shows them')
    .option('--force', 'write over files that exist')
    .option('--each', 'a row for every run instead of every set of runs that differ by seed alone')
    .option('--json', 'print one JSON array, an object for every run')
    .action(async (folders: string[], options: ReportOptions) =>
      (await import('../work/report.ts')).report(folders, options),
    )
