/** @file The flags that a person gave, apart from those that have their default. */
import type { Command } from 'commander'

/** Their keys among the options of a command. */
export const givenFlags = (command: Command): Set<string> =>
  new Set(
    command.options
      .map((option) => option.attributeName())
      .filter((key) => command.getOptionValueSource(key) === 'cli'),
  )

/** `--mini-batch` for `miniBatch`. */
export const flagName = (command: Command, key: string): string =>
  command.options.find((option) => option.attributeName() === key)?.long ?? key
