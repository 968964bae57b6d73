/** @file espalier data: which data sets there are, fetching one, looking into one. */

import { Command } from 'commander'
import { sources } from '../../data/sources.ts'
import { imageOptions } from '../flags/images.ts'
import { webAddress } from '../flags/parse.ts'
import type { GetOptions, ShowOptions } from '../work/data.ts'

const listPart = (): Command =>
  new Command('list')
    .description('the data sets that have a name, and where they are on this machine')
    .option('--json', 'print one JSON array')
    .action(async (options: { json?: boolean }) => (await import('../work/data.ts')).listData(options))

const getPart = (): Command =>
  new Command('get')
    .description('download a data set; interrupted, the same command goes on where it stopped')
    .argument('<name>', Object.keys(sources).join(', '))
    .option('--into <dir>', 'folder for its files (default: ESPALIER_DATA/<name>, else in the cache folder)')
    .option('--from <url>', 'another address with the same files', webAddress('--from'))
    .option('--json', 'print one JSON object')
    .action(async (name: string, options: GetOptions) => (await import('../work/data.ts')).getData(name, options))

const showPart = (): Command =>
  imageOptions(
    new Command('show')
      .description('load a data set and say what it holds; decoded images are kept for the next time')
      .argument('<name>', 'a data set or a folder'),
  )
    .option('--normalization <name>', 'constants for inputs (default: those of the data set)')
    .option('--json', 'print one JSON object')
    .action(async (name: string, options: ShowOptions) => (await import('../work/data.ts')).showData(name, options))

export const dataCommand = (): Command =>
  new Command('data').addCommand(listPart()).addCommand(getPart()).addCommand(showPart())
