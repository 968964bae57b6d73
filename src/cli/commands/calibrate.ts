/** @file espalier calibrate: what dense and sparse kernels cost on this machine. */

import { Command } from 'commander'
import { paragraphs } from '../display/width.ts'
import { whole } from '../flags/parse.ts'
import type { CalibrateFlags } from '../work/calibrate.ts'

const MOST = 10000

const HELP = [
  'One thread computes for some minutes, and should have its processor to itself.',
  'ESPALIER_ENGINE and ESPALIER_ISA choose the kernels that are measured.',
].join(' ')

export const calibrateCommand = (): Command =>
  new Command('calibrate')
    .option('-o, --out <file>', 'a file for the table of costs, which --costs and train.costs take')
    .option('--name <name>', 'by which runs and results call the table (default: the name of the file)')
    .option('--milliseconds <n>', 'of each layer on each kind of kernels', whole('--milliseconds', 1, MOST), 12)
    .option('--force', 'replace a file that exists')
    .option('--json', 'print the table as JSON')
    .addHelpText('after', () => paragraphs(HELP))
    .action(async (options: CalibrateFlags) => (await import('../work/calibrate.ts')).calibrateMachine(options))
