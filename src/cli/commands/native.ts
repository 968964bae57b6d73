/** @file espalier native: the kernels compiled for this machine. */

import { Command } from 'commander'

export const nativeCommand = (): Command =>
  new Command('native').action(async () => (await import('../work/native.ts')).buildNative())
