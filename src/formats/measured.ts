/** @file Metadata of weights that were measured of these very weights, and of no others. */

/** `test_accuracy`: what a run measured, in percent. */
const MEASURED: readonly string[] = ['test_accuracy']

export const isMeasured = (key: string): boolean => MEASURED.includes(key)

/** Metadata for weights that are made of others: without what was measured of those. */
export const unmeasured = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !isMeasured(key)))
