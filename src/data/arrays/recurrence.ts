/**
 * @file States of recurrent networks, which files of sound do not hold: inputs that have, for each stretch
 * of a sound, what the network made of the stretch before.
 */

export interface Recurrence {
  /** The names of the inputs that are states. */
  states: readonly string[]
  /** What is done about them, in words. */
  note: string
  /**
   * Writes the states into samples, all inputs of each one behind the other, whose states are zeros: those of
   * samples that `follow` the one before in a sound. Those of others stay zeros: nothing was heard before.
   */
  fill(samples: Float32Array, follow: ReadonlySet<number>): Promise<void>
}
