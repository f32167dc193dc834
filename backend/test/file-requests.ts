/** How many requests to the file system are under way at most while something works. */
export async function mostFileRequests(work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  let next: NodeJS.Immediate;
  const look = () => {
    const names = process.getActiveResourcesInfo();
    most = Math.max(most, names.filter((name) => name === 'FSReqPromise').length);
    next = setImmediate(look);
  };
  look();
  try {
    await work();
  } finally {
    clearImmediate(next!);
  }
  return most;
}
