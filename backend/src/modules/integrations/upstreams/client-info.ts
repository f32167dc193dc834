/** Who asks, as servers are told. */
export const clientInfo = { name: 'aos', version: '0.1.0' };
