import type { BuiltinTool } from '../tool.js';
import { csvClean } from './csv-clean.js';
import { csvProfile } from './csv-profile.js';
import { textReport } from './text-report.js';
import { vizPlot } from './viz-plot.js';

export const skills: BuiltinTool[] = [csvProfile, csvClean, vizPlot, textReport];
