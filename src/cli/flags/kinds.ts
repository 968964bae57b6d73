/** @file What `espalier list` can list. */

export const kinds = ['models', 'datasets', 'methods', 'recipes'] as const
export type Kind = (typeof kinds)[number]
