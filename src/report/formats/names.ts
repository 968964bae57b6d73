/** @file The names of the forms that a report can have. */

export const formats = ['markdown', 'csv', 'latex', 'html'] as const
export type Format = (typeof formats)[number]
