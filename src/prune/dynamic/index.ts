/** @file All ways to rewire a sparse network while it trains, by name. */
export const rewirings = {
  dsr: {
    summary: 'dynamic sparse reparameterization: one threshold, weights go where weights stay (Mostafa & Wang 2019)',
  },
  set: { summary: 'smallest positive and negative weights of every tensor, regrown at random (Mocanu et al. 2018)' },
  'set-magnitude': { summary: 'SET as the code of DSR has it: smallest |w| of every tensor, regrown at random' },
  deepr: { summary: 'fixed signs, a random walk, lost weights regrown anywhere, at every step (Bellec et al. 2018)' },
  rigl: { summary: 'smallest |w| of every tensor, regrown at the largest gradients (Evci et al. 2020)' },
} as const
export type RewiringName = keyof typeof rewirings
