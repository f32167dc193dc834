import { offeredApart, projectsOffered } from '../../../testing/projects-apart';
import { MemoryApi } from './memory-api';

it('tells two projects of one name apart where one is to be chosen, in Memory', () => {
  expect(projectsOffered(MemoryApi)).toEqual(offeredApart);
});
