/** How a command ended, as the shell sees it. */
export const exitCodes = { done: 0, failed: 1, usage: 2, cancelled: 130 } as const;
