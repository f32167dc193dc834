import { offeredApart, projectsOffered } from '../../../testing/projects-apart';
import { MonitorApi } from './monitor-api';

it('tells two projects of one name apart where one is to be chosen, in Monitor', () => {
  expect(projectsOffered(MonitorApi)).toEqual(offeredApart);
});
