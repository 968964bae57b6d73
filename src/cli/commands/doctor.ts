/** @file espalier doctor: what this machine has for Espalier. */

import { Command } from 'commander'

export const doctorCommand = (): Command =>
  new Command('doctor')
    .option('--json', 'print one JSON object')
    .action(async (options: { json?: boolean }) => (await import('../work/doctor.ts')).doctor(options))
