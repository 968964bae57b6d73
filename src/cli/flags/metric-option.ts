/** @file The option --metric. Reading what it names is in `metric.ts`, which loads more than a flag needs. */
import type { Command } from 'commander'

export const metricOption = (command: Command): Command =>
  command.option(
    '--metric <file>',
    'a module whose default export measures the outputs: a function of a batch, or a class with add and value (docs/guide-edge.md)',
  )
