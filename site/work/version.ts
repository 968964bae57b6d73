/** @file Which version of Espalier the pages are built of. */

/** By site/vite.config.ts. */
declare const ESPALIER_VERSION: string | undefined

export const VERSION = typeof ESPALIER_VERSION === 'string' ? ESPALIER_VERSION : 'of a checkout'
