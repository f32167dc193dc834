import { BarChart, LineChart } from 'echarts/charts';
import { AxisPointerComponent, GridComponent, MarkLineComponent } from 'echarts/components';
import { connect, init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([AxisPointerComponent, BarChart, CanvasRenderer, GridComponent, LineChart, MarkLineComponent]);

/** Only what our charts draw with. It is a chunk of its own, fetched when the first chart comes into sight. */
export { connect, init };
export type { ECharts } from 'echarts/core';
