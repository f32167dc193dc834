import { offeredApart, projectsOffered } from '../../../testing/projects-apart';
import { AosApi } from './aos-api';

it('tells two projects of one name apart where one is to be chosen, everywhere', () => {
  expect(projectsOffered(AosApi)).toEqual(offeredApart);
});
