/** @file The names of the forms that exported metrics can have. */

export const exportFormatNames = ['tensorboard', 'csv'] as const
export type ExportFormatName = (typeof exportFormatNames)[number]
