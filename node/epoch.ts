/** The only epoch there is for now; stake is constant. */
export const EPOCH = 1
