/**
 * What the tools that come with AOS say of themselves, in Chinese, by their own English: MCP clients and models read
 * that, and a definition that was changed says something else, which must be seen as it is.
 */
export const toolWords: Readonly<Record<string, string>> = {
  'Env-MCP: files, git, http, database and shell, each confined to the workspace of the run.':
    'Env-MCP：文件、git、HTTP、数据库与命令行，均限于本次运行的工作区。',
  'Work with tables, charts and reports: csv.profile, csv.clean, viz.plot, text.report.':
    '处理表格、图表与报告：csv.profile、csv.clean、viz.plot、text.report。',

  'Read a file': '读取文件',
  'Reads a file of the workspace, or a part of it, as text or base64.':
    '读取工作区中的文件或其一部分，返回文本或 base64。',
  'Write a file': '写入文件',
  'Writes a whole file of the workspace, replacing what was there. Missing folders are made.':
    '写入工作区中的整个文件，覆盖原有内容；缺少的文件夹会自动创建。',
  'Append to a file': '追加到文件',
  'Adds to the end of a file of the workspace; makes the file where there is none.':
    '在工作区文件的末尾追加内容；文件不存在时会创建。',
  'List a folder': '列出文件夹',
  'Lists a folder of the workspace, by name; with recursive, all below it that a path leads to.':
    '按名称列出工作区中的文件夹；使用 recursive 时列出其下能由路径到达的全部内容。',
  'Look at a file': '查看文件信息',
  'Says whether something exists in the workspace, what it is, its size and age.':
    '说明工作区中是否存在某项、它的类型、大小与修改时间。',
  'Delete a file or folder': '删除文件或文件夹',
  'Deletes a file, a link (not what it points at), or a folder of the workspace.':
    '删除工作区中的文件、链接（不删除其指向的内容）或文件夹。',
  'Move or rename': '移动或重命名',
  'Moves a file or folder within the workspace. Does not overwrite unless told to.':
    '在工作区内移动文件或文件夹；除非明确要求，否则不会覆盖。',
  'Make a folder': '新建文件夹',
  'Makes a folder of the workspace, and those above it. An existing one is left.':
    '在工作区中创建文件夹及其上级文件夹；已存在的保持不变。',
  'Fetch from the web': '发送网络请求',
  'Sends one HTTP request to a public address and answers with status, headers and body. Follows up to five redirects.':
    '向公网地址发送一个 HTTP 请求，返回状态、标头与正文；最多跟随五次重定向。',
  'Make a repository': '创建仓库',
  'Makes a git repository in a folder of the workspace.': '在工作区的文件夹中创建 git 仓库。',
  'Show what changed': '查看改动',
  'Lists changed, staged and untracked files of a repository.':
    '列出仓库中已改动、已暂存与未跟踪的文件。',
  'Stage files': '暂存文件',
  'Stages files and folders of a repository, deletions too.':
    '暂存仓库中的文件与文件夹，包括删除操作。',
  Commit: '提交',
  'Commits what is staged.': '提交已暂存的内容。',
  'Show the history': '查看历史',
  'Lists the latest commits of a repository.': '列出仓库最近的提交。',
  'Show differences': '查看差异',
  'Shows what is not yet staged, or with staged, what the next commit would hold.':
    '显示尚未暂存的改动；使用 staged 时显示下次提交将包含的内容。',
  'Query the database': '查询数据库',
  'Runs one SQL statement in a read-only transaction, as a role that sees no table of AOS itself. Values go into params, as $1, $2 and so on.':
    '在只读事务中执行一条 SQL 语句，所用角色看不到 AOS 自身的表。参数值写入 params，以 $1、$2 等引用。',
  'Run a command': '执行命令',
  'Runs a shell command in a sandbox: no network, no files but the workspace (at /workspace) and the system programs, limited time, memory and output.':
    '在沙箱中执行 shell 命令：没有网络，只能访问工作区（位于 /workspace）与系统程序，时间、内存与输出均有限制。',
  'Profile a CSV file': '分析 CSV 文件',
  'Reads a CSV file of any size and tells its rows, columns, types, blanks, distinct values, smallest and largest values, duplicates and what does not fit. Changes nothing.':
    '读取任意大小的 CSV 文件，给出行数、列、类型、空值、不同值、最小与最大值、重复行以及不符合的内容；不做任何修改。',
  'Clean a CSV file': '清洗 CSV 文件',
  'Writes a clean UTF-8 copy of a CSV file: types made uniform, dates in ISO 8601, blanks made blank, duplicates dropped. Rows that cannot be parsed go to a second file with the reason. The original stays.':
    '写出 CSV 文件的 UTF-8 清洗副本：统一类型，日期采用 ISO 8601，空值统一为空，去除重复行。无法解析的行连同原因写入另一个文件；原文件保持不变。',
  'Draw a chart': '绘制图表',
  'Draws a bar, line or scatter chart or a histogram from a CSV file, as SVG and PNG, 1200 x 675. The title says the finding. Answers with the plotted numbers.':
    '根据 CSV 文件绘制柱状图、折线图、散点图或直方图，输出 1200 x 675 的 SVG 与 PNG。标题说明结论，并返回图中的数值。',
  'Write a report': '撰写报告',
  'Writes a GitHub-flavoured Markdown report from sections of text, lists, tables and pictures.':
    '用文本、列表、表格与图片章节生成 GitHub 风格的 Markdown 报告。',

  'Relative to the workspace, parted by "/"': '相对于工作区的路径，以“/”分隔',
  'Default utf8': '默认 utf8',
  'Default 1 MiB': '默认 1 MiB',
  'Default: the workspace itself': '默认为工作区本身',
  'Default 1,000': '默认 1,000',
  'Needed for a folder that is not empty': '文件夹不为空时需要',
  'Default GET': '默认 GET',
  'For everything; default 20 s': '整个请求的时限；默认 20 秒',
  'Of the unpacked body; default 2 MiB': '解压后正文的上限；默认 2 MiB',
  'Workspace path to write the body to': '将正文写入工作区的路径',
  'Folder of the repository; default: the workspace': '仓库所在的文件夹；默认为工作区',
  'Default 500': '默认 500',
  'Default 10 s': '默认 10 秒',
  'Default 30 s': '默认 30 秒',
  'Artifact id, or path in the workspace': '成果 ID，或工作区中的路径',
  'Found out from the file when absent': '不填写时由文件判断',
  'Whether the first row names the columns': '首行是否为列名',
  'Cut white space around values': '去除值两端的空白',
  'Spellings that mean "no value", instead of the built-in NA, N/A, null, - ...':
    '表示“无值”的写法，替代内置的 NA、N/A、null、- 等',
  'Column to type; other columns are inferred': '列名对应类型；其余列自动推断',
  'Column to the format its dates are written in, such as D.M.YYYY or M/D/YY H:mm':
    '列名对应其日期的写法，例如 D.M.YYYY 或 M/D/YY H:mm',
  'Column to the only values it may hold; blanks pass unless required':
    '列名对应允许的值；未设为必填时空值可通过',
  'Numeric column to the smallest and largest value it may hold':
    '数值列名对应允许的最小值与最大值',
  'Columns that may not be blank': '不允许为空的列',
  'Leave out rows equal to an earlier one after cleaning': '清洗后去除与前面相同的行',
  'Leave out rows without any value': '去除没有任何值的行',
  'Columns to keep, in order': '按顺序保留的列',
  'Put an apostrophe before text that a spreadsheet would run as a formula':
    '在会被电子表格当作公式执行的文本前加单引号',
  'Column for the horizontal axis or the categories': '横轴或分类所用的列',
  'Column that is measured': '被度量的列',
  'How rows with the same x are joined; count without y, otherwise sum':
    'x 相同的行如何合并；没有 y 时为计数，否则为求和',
  'Joins dates; chosen from the span when absent': '合并日期的粒度；不填写时按时间跨度选择',
  'Says the finding; computed when absent': '说明结论；不填写时自动生成',
  'What one row is, in the plural: "strikes"': '一行代表什么，例如“strikes”',
  'Categories shown; the rest become "Other"': '显示的分类数；其余归为“Other”',
  'Heading of the section; may be empty': '章节标题；可为空',
  'Prose, Markdown without HTML or pictures': '正文，Markdown，不含 HTML 与图片',
  'Rows are lists of cells, or objects of which `columns` names the keys to show':
    '每行是单元格列表，或对象，由 `columns` 指定显示的键',
  'Headings shown instead of the keys': '代替键名显示的表头',
  'Artifact id of a picture, or an answer that carries one': '图片的成果 ID，或包含图片的返回结果',
};
