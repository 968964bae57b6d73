/** @file espalier studio: runs and sweeps as they go, in a browser. */

import { Command } from 'commander'
import { whole } from '../flags/parse.ts'
import type { StudioFlags } from '../work/studio.ts'

export const studioCommand = (): Command =>
  new Command('studio')
    .argument('[folders...]', 'folders of runs and sweeps, with all below them (default: runs and sweeps)')
    .option('--port <n>', 'port to listen on; 0 takes any that is free', whole('--port', 0, 65_535), 4747)
    .option(
      '--host <address>',
      'address to listen on; others than the loopback address ask for a token, which is printed',
      '127.0.0.1',
    )
    .option('--allow-run', 'let the page start, stop and resume recipes and sweeps; asks for a token, which is printed')
    .action(async (folders: string[], flags: StudioFlags) => (await import('../work/studio.ts')).studio(folders, flags))
