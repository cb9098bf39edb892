<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name></name>
    <message>
        <source>Tables</source>
        <translation>表格</translation>
    </message>
    <message>
        <source>CSV, for spreadsheets</source>
        <translation>CSV，用于电子表格</translation>
    </message>
    <message>
        <source>Subtitles, for players</source>
        <translation>字幕，用于播放器</translation>
    </message>
    <message>
        <source>Subtitles, for browsers</source>
        <translation>字幕，用于浏览器</translation>
    </message>
    <message>
        <source>Drop videos and folders here</source>
        <translation>将视频和文件夹拖放到此处</translation>
    </message>
    <message>
        <source>Analyze files</source>
        <translation>分析文件</translation>
    </message>
    <message>
        <source>Files and folders to analyze</source>
        <translation>要分析的文件和文件夹</translation>
    </message>
    <message>
        <source>Drop videos and folders here; Del removes one</source>
        <translation>将视频和文件夹拖放到此处；按 Del 移除</translation>
    </message>
    <message>
        <source>Add files…</source>
        <translation>添加文件…</translation>
    </message>
    <message>
        <source>Choose video files</source>
        <translation>选择视频文件</translation>
    </message>
    <message>
        <source>Add folder…</source>
        <translation>添加文件夹…</translation>
    </message>
    <message>
        <source>Choose a folder; all videos in it are analyzed</source>
        <translation>选择文件夹；其中所有视频都会被分析</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove the selected entries from the list</source>
        <translation>从列表中移除所选条目</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Model that recognizes actions in the videos</source>
        <translation>用于识别视频中动作的模型</translation>
    </message>
    <message>
        <source>Time between predictions</source>
        <translation>预测间隔</translation>
    </message>
    <message>
        <source>Seconds of video from one prediction to the next</source>
        <translation>两次预测之间的视频秒数</translation>
    </message>
    <message>
        <source>Video with labels</source>
        <translation>带标签的视频</translation>
    </message>
    <message>
        <source>Also write a copy of each video with its labels; takes longer</source>
        <translation>同时写出带标签的视频副本；耗时更长</translation>
    </message>
    <message>
        <source>Folder of the results</source>
        <translation>结果文件夹</translation>
    </message>
    <message>
        <source>Folder for the results; a stopped analysis in it is continued</source>
        <translation>存放结果的文件夹；其中中断的分析会继续</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose the folder for the results</source>
        <translation>选择结果文件夹</translation>
    </message>
    <message>
        <source>This file</source>
        <translation>此文件</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>What was found in each file</source>
        <translation>每个文件中找到的内容</translation>
    </message>
    <message>
        <source>Analyze</source>
        <translation>分析</translation>
    </message>
    <message>
        <source>Start; files that are already done are skipped</source>
        <translation>开始；已完成的文件会跳过</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Stop; finished results are kept</source>
        <translation>停止；已完成的结果会保留</translation>
    </message>
    <message>
        <source>Open report</source>
        <translation>打开报告</translation>
    </message>
    <message>
        <source>Show the report in the browser</source>
        <translation>在浏览器中显示报告</translation>
    </message>
    <message>
        <source>Show folder</source>
        <translation>显示文件夹</translation>
    </message>
    <message>
        <source>Open the folder of the results</source>
        <translation>打开结果文件夹</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Close; a running analysis continues (Esc)</source>
        <translation>关闭；正在进行的分析会继续 (Esc)</translation>
    </message>
    <message>
        <source>predict every</source>
        <translation>预测间隔</translation>
    </message>
    <message>
        <source>Write</source>
        <translation>写出</translation>
    </message>
    <message>
        <source>To</source>
        <translation>位置</translation>
    </message>
    <message>
        <source>Add a folder</source>
        <translation>添加文件夹</translation>
    </message>
    <message>
        <source>Looking for videos</source>
        <translation>正在查找视频</translation>
    </message>
    <message>
        <source>Stopping; finished results are kept</source>
        <translation>正在停止；已完成的结果会保留</translation>
    </message>
    <message>
        <source>Add videos</source>
        <translation>添加视频</translation>
    </message>
    <message>
        <source> ({number} of {files})</source>
        <translation>（{number}/{files}）</translation>
    </message>
    <message>
        <source>SlowFast Live analysis</source>
        <translation>SlowFast Live 分析</translation>
    </message>
    <message>
        <source>About SlowFast Live</source>
        <translation>关于 SlowFast Live</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>版本 {version}</translation>
    </message>
    <message>
        <source>Live action recognition for webcams and video files. Everything stays on this machine.</source>
        <translation>对摄像头和视频文件进行实时动作识别。一切都留在这台电脑上。</translation>
    </message>
    <message>
        <source>Facts for support</source>
        <translation>支持信息</translation>
    </message>
    <message>
        <source>Licenses</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>For support</source>
        <translation>支持</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>页面</translation>
    </message>
    <message>
        <source>Copy what support needs</source>
        <translation>复制支持所需信息</translation>
    </message>
    <message>
        <source>Copy these facts; they contain no file names or addresses</source>
        <translation>复制这些信息；其中不含文件名或地址</translation>
    </message>
    <message>
        <source>Close this dialog (Esc)</source>
        <translation>关闭此对话框 (Esc)</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Use the camera</source>
        <translation>使用摄像头</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Open the first camera</source>
        <translation>打开第一个摄像头</translation>
    </message>
    <message>
        <source>Open file…</source>
        <translation>打开文件…</translation>
    </message>
    <message>
        <source>Open a video file</source>
        <translation>打开视频文件</translation>
    </message>
    <message>
        <source>Open folder of images…</source>
        <translation>打开图片文件夹…</translation>
    </message>
    <message>
        <source>Play the images of a folder as a video, at a rate of your choice</source>
        <translation>将文件夹中的图片按所选速率作为视频播放</translation>
    </message>
    <message>
        <source>Open stream URL…</source>
        <translation>打开流 URL…</translation>
    </message>
    <message>
        <source>Open an RTSP, HTTP or TCP stream</source>
        <translation>打开 RTSP、HTTP 或 TCP 流</translation>
    </message>
    <message>
        <source>Watch the screen…</source>
        <translation>观看屏幕…</translation>
    </message>
    <message>
        <source>Watch a screen, a region of it or a window</source>
        <translation>观看屏幕、屏幕区域或窗口</translation>
    </message>
    <message>
        <source>Queue of files…</source>
        <translation>文件队列…</translation>
    </message>
    <message>
        <source>Play several files one after the other</source>
        <translation>依次播放多个文件</translation>
    </message>
    <message>
        <source>Next file</source>
        <translation>下一个文件</translation>
    </message>
    <message>
        <source>Play the next file of the queue</source>
        <translation>播放队列中的下一个文件</translation>
    </message>
    <message>
        <source>Previous file</source>
        <translation>上一个文件</translation>
    </message>
    <message>
        <source>Play the previous file of the queue</source>
        <translation>播放队列中的上一个文件</translation>
    </message>
    <message>
        <source>Play the demo</source>
        <translation>播放演示</translation>
    </message>
    <message>
        <source>Play the clip that comes with the app</source>
        <translation>播放应用自带的片段</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Try to open the source again</source>
        <translation>重新打开来源</translation>
    </message>
    <message>
        <source>Sessions…</source>
        <translation>会话…</translation>
    </message>
    <message>
        <source>Open, rename and delete earlier sessions</source>
        <translation>打开、重命名和删除以前的会话</translation>
    </message>
    <message>
        <source>Save session as…</source>
        <translation>会话另存为…</translation>
    </message>
    <message>
        <source>Save events and edits to a file</source>
        <translation>将事件和编辑保存到文件</translation>
    </message>
    <message>
        <source>Mirror the picture</source>
        <translation>镜像画面</translation>
    </message>
    <message>
        <source>Swap left and right</source>
        <translation>左右互换</translation>
    </message>
    <message>
        <source>Play or pause</source>
        <translation>播放或暂停</translation>
    </message>
    <message>
        <source>Playing</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Play or pause a file</source>
        <translation>播放或暂停文件</translation>
    </message>
    <message>
        <source>One frame back</source>
        <translation>后退一帧</translation>
    </message>
    <message>
        <source>Pause and go one frame back</source>
        <translation>暂停并后退一帧</translation>
    </message>
    <message>
        <source>One frame forward</source>
        <translation>前进一帧</translation>
    </message>
    <message>
        <source>Pause and go one frame forward</source>
        <translation>暂停并前进一帧</translation>
    </message>
    <message>
        <source>5 seconds back</source>
        <translation>后退 5 秒</translation>
    </message>
    <message>
        <source>Jump back 5 seconds</source>
        <translation>后退 5 秒</translation>
    </message>
    <message>
        <source>5 seconds forward</source>
        <translation>前进 5 秒</translation>
    </message>
    <message>
        <source>Jump forward 5 seconds</source>
        <translation>前进 5 秒</translation>
    </message>
    <message>
        <source>Loop</source>
        <translation>循环</translation>
    </message>
    <message>
        <source>Restart a file at its end</source>
        <translation>文件结束后从头播放</translation>
    </message>
    <message>
        <source>Slower</source>
        <translation>减速</translation>
    </message>
    <message>
        <source>Play a file slower</source>
        <translation>减慢文件播放</translation>
    </message>
    <message>
        <source>Faster</source>
        <translation>加速</translation>
    </message>
    <message>
        <source>Play a file faster</source>
        <translation>加快文件播放</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>View</source>
        <translation>视图</translation>
    </message>
    <message>
        <source>Show only the picture, on the whole screen</source>
        <translation>整个屏幕只显示画面</translation>
    </message>
    <message>
        <source>Leave full screen</source>
        <translation>退出全屏</translation>
    </message>
    <message>
        <source>Return from full screen</source>
        <translation>从全屏返回</translation>
    </message>
    <message>
        <source>Side panel</source>
        <translation>侧面板</translation>
    </message>
    <message>
        <source>Show or hide the side panel</source>
        <translation>显示或隐藏侧面板</translation>
    </message>
    <message>
        <source>Scores over the picture</source>
        <translation>在画面上显示分数</translation>
    </message>
    <message>
        <source>Show the five best scores</source>
        <translation>显示最高的五个分数</translation>
    </message>
    <message>
        <source>Big label</source>
        <translation>大标签</translation>
    </message>
    <message>
        <source>Show a label that can be read across the room</source>
        <translation>显示在房间另一头也能看清的标签</translation>
    </message>
    <message>
        <source>Follow people</source>
        <translation>跟随人物</translation>
    </message>
    <message>
        <source>A box and labels for each person; click on somebody to follow that person</source>
        <translation>为每个人显示方框和标签；单击某人即可跟随</translation>
    </message>
    <message>
        <source>Person detector…</source>
        <translation>人物检测器…</translation>
    </message>
    <message>
        <source>Get a detector that finds everybody in the picture, or choose another one</source>
        <translation>获取能找到画面中所有人的检测器，或选择另一个</translation>
    </message>
    <message>
        <source>Why it says so</source>
        <translation>判断依据</translation>
    </message>
    <message>
        <source>Draw over the picture where and when the score of the action comes from</source>
        <translation>在画面上绘出动作分数来自何处、何时</translation>
    </message>
    <message>
        <source>Count repetitions</source>
        <translation>计数重复次数</translation>
    </message>
    <message>
        <source>Count what repeats, such as squats</source>
        <translation>统计重复的动作，例如深蹲</translation>
    </message>
    <message>
        <source>Always on top</source>
        <translation>总在最前</translation>
    </message>
    <message>
        <source>Keep the window above others</source>
        <translation>让窗口保持在其他窗口之上</translation>
    </message>
    <message>
        <source>Take a snapshot</source>
        <translation>拍摄快照</translation>
    </message>
    <message>
        <source>Save the picture with its overlay as PNG</source>
        <translation>将画面和叠加内容保存为 PNG</translation>
    </message>
    <message>
        <source>Copy the picture</source>
        <translation>复制画面</translation>
    </message>
    <message>
        <source>Copy the picture with its overlay to the clipboard</source>
        <translation>将画面和叠加内容复制到剪贴板</translation>
    </message>
    <message>
        <source>Timeline</source>
        <translation>时间线</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>事件</translation>
    </message>
    <message>
        <source>Expand or collapse the timeline</source>
        <translation>展开或收起时间线</translation>
    </message>
    <message>
        <source>List of events</source>
        <translation>事件列表</translation>
    </message>
    <message>
        <source>Show the recognized events as a list</source>
        <translation>以列表显示识别出的事件</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom in on the timeline</source>
        <translation>放大时间线</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Zoom out of the timeline</source>
        <translation>缩小时间线</translation>
    </message>
    <message>
        <source>Whole timeline</source>
        <translation>整条时间线</translation>
    </message>
    <message>
        <source>Show the whole timeline</source>
        <translation>显示整条时间线</translation>
    </message>
    <message>
        <source>Back to now</source>
        <translation>回到现在</translation>
    </message>
    <message>
        <source>Scroll the timeline to now, or to the playhead</source>
        <translation>将时间线滚动到现在或播放位置</translation>
    </message>
    <message>
        <source>Show large</source>
        <translation>放大显示</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Menu of {name}</source>
        <translation>{name} 的菜单</translation>
    </message>
    <message>
        <source>What can be done with this source</source>
        <translation>可对此来源进行的操作</translation>
    </message>
    <message>
        <source>It is tried again every {RETRY_S} s.</source>
        <translation>每 {RETRY_S} 秒重试一次。</translation>
    </message>
    <message>
        <source>Undo the last change to an event</source>
        <translation>撤销对事件的上一次更改</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Redo the change that was undone last</source>
        <translation>重做上一次撤销的更改</translation>
    </message>
    <message>
        <source>Add an event…</source>
        <translation>添加事件…</translation>
    </message>
    <message>
        <source>Add an event that was not recognized</source>
        <translation>添加未被识别的事件</translation>
    </message>
    <message>
        <source>Part begins here</source>
        <translation>片段从此开始</translation>
    </message>
    <message>
        <source>Mark where the part to export begins</source>
        <translation>标记要导出片段的起点</translation>
    </message>
    <message>
        <source>Part ends here</source>
        <translation>片段到此结束</translation>
    </message>
    <message>
        <source>Mark where the part to export ends</source>
        <translation>标记要导出片段的终点</translation>
    </message>
    <message>
        <source>All of it again</source>
        <translation>恢复全部</translation>
    </message>
    <message>
        <source>Forget the part that was marked</source>
        <translation>清除已标记的片段</translation>
    </message>
    <message>
        <source>Summary…</source>
        <translation>摘要…</translation>
    </message>
    <message>
        <source>Sum up the part that was marked, or everything, to print</source>
        <translation>汇总已标记的片段或全部内容，可打印</translation>
    </message>
    <message>
        <source>Start a session</source>
        <translation>开始会话</translation>
    </message>
    <message>
        <source>Start a session now; finishing it shows its summary</source>
        <translation>现在开始会话；结束时显示摘要</translation>
    </message>
    <message>
        <source>Export events…</source>
        <translation>导出事件…</translation>
    </message>
    <message>
        <source>Save the events as a file</source>
        <translation>将事件保存为文件</translation>
    </message>
    <message>
        <source>Record</source>
        <translation>录制</translation>
    </message>
    <message>
        <source>Recording</source>
        <translation>录制</translation>
    </message>
    <message>
        <source>Record the picture as a video</source>
        <translation>将画面录制为视频</translation>
    </message>
    <message>
        <source>Save the last 30 seconds</source>
        <translation>保存最近 30 秒</translation>
    </message>
    <message>
        <source>Save what was just shown as a video</source>
        <translation>将刚才显示的内容保存为视频</translation>
    </message>
    <message>
        <source>To other programs…</source>
        <translation>发送到其他程序…</translation>
    </message>
    <message>
        <source>Pass on what is recognized: a local feed, MQTT, a text file</source>
        <translation>传递识别结果：本地数据流、MQTT、文本文件</translation>
    </message>
    <message>
        <source>Rules…</source>
        <translation>规则…</translation>
    </message>
    <message>
        <source>Define what happens when an action is seen</source>
        <translation>定义看到动作时要做什么</translation>
    </message>
    <message>
        <source>Rest while nothing moves</source>
        <translation>无动静时休息</translation>
    </message>
    <message>
        <source>Decision</source>
        <translation>判定</translation>
    </message>
    <message>
        <source>Save power: pause the model until something moves</source>
        <translation>省电：在有动静之前暂停模型</translation>
    </message>
    <message>
        <source>Lower the threshold</source>
        <translation>降低阈值</translation>
    </message>
    <message>
        <source>Lower the threshold by 5 %</source>
        <translation>将阈值降低 5 %</translation>
    </message>
    <message>
        <source>Raise the threshold</source>
        <translation>提高阈值</translation>
    </message>
    <message>
        <source>Raise the threshold by 5 %</source>
        <translation>将阈值提高 5 %</translation>
    </message>
    <message>
        <source>Recommended threshold</source>
        <translation>推荐阈值</translation>
    </message>
    <message>
        <source>Use the threshold that the model recommends</source>
        <translation>使用模型推荐的阈值</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>Go to</source>
        <translation>转到</translation>
    </message>
    <message>
        <source>Build, compare and choose models</source>
        <translation>构建、比较和选择模型</translation>
    </message>
    <message>
        <source>Set up a network that knows the 400 actions of Kinetics</source>
        <translation>设置一个认识 Kinetics 400 种动作的网络</translation>
    </message>
    <message>
        <source>Teach an action…</source>
        <translation>教授动作…</translation>
    </message>
    <message>
        <source>Teach the model actions of your own, from examples</source>
        <translation>通过示例教模型您自己的动作</translation>
    </message>
    <message>
        <source>Analyze files…</source>
        <translation>分析文件…</translation>
    </message>
    <message>
        <source>Recognize actions in files and folders</source>
        <translation>识别文件和文件夹中的动作</translation>
    </message>
    <message>
        <source>Analyze this file</source>
        <translation>分析此文件</translation>
    </message>
    <message>
        <source>Recognize actions in the open file</source>
        <translation>识别已打开文件中的动作</translation>
    </message>
    <message>
        <source>Measure this machine…</source>
        <translation>测试这台电脑…</translation>
    </message>
    <message>
        <source>Find the best model for this machine</source>
        <translation>找出最适合这台电脑的模型</translation>
    </message>
    <message>
        <source>Choose a source</source>
        <translation>选择来源</translation>
    </message>
    <message>
        <source>Open the list of sources</source>
        <translation>打开来源列表</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Open the list of models</source>
        <translation>打开模型列表</translation>
    </message>
    <message>
        <source>Choose a device</source>
        <translation>选择设备</translation>
    </message>
    <message>
        <source>Open the list of devices</source>
        <translation>打开设备列表</translation>
    </message>
    <message>
        <source>Find an action</source>
        <translation>查找动作</translation>
    </message>
    <message>
        <source>Search the actions of the model</source>
        <translation>搜索模型的动作</translation>
    </message>
    <message>
        <source>Expand or collapse the section Now</source>
        <translation>展开或收起“现在”</translation>
    </message>
    <message>
        <source>Expand or collapse the section Actions</source>
        <translation>展开或收起“动作”</translation>
    </message>
    <message>
        <source>Expand or collapse the section Model</source>
        <translation>展开或收起“模型”</translation>
    </message>
    <message>
        <source>Expand or collapse the section Live</source>
        <translation>展开或收起“实时”</translation>
    </message>
    <message>
        <source>Open the first menu</source>
        <translation>打开第一个菜单</translation>
    </message>
    <message>
        <source>Dismiss the message above the picture</source>
        <translation>关闭画面上的消息</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <source>Show this sheet</source>
        <translation>显示此表</translation>
    </message>
    <message>
        <source>What can it recognize?</source>
        <translation>能识别什么？</translation>
    </message>
    <message>
        <source>Show the actions, and how to stand</source>
        <translation>显示动作和站位方法</translation>
    </message>
    <message>
        <source>Version, licenses and facts for support</source>
        <translation>版本、许可证和支持信息</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Close the window</source>
        <translation>关闭窗口</translation>
    </message>
    <message>
        <source>Close this sheet (Esc)</source>
        <translation>关闭此表 (Esc)</translation>
    </message>
    <message>
        <source>Camera default</source>
        <translation>摄像头默认值</translation>
    </message>
    <message>
        <source>Same as system</source>
        <translation>与系统相同</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Playback</source>
        <translation>播放(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Tools</source>
        <translation>工具(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>最近的文件</translation>
    </message>
    <message>
        <source>Camera size</source>
        <translation>摄像头尺寸</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Recording options</source>
        <translation>录制选项</translation>
    </message>
    <message>
        <source>Menu bar</source>
        <translation>菜单栏</translation>
    </message>
    <message>
        <source>Clear list</source>
        <translation>清空列表</translation>
    </message>
    <message>
        <source>None yet</source>
        <translation>暂无</translation>
    </message>
    <message>
        <source>No model found. Published weights are not included with the app. Build a model with Models… ({keys}), or {command}</source>
        <translation>未找到模型。应用不包含已发布的权重。请用“模型…”({keys}) 或 {command} 构建模型</translation>
    </message>
    <message>
        <source>{name} no longer exists at {address}. It was removed from the recent files.</source>
        <translation>{name} 已不在 {address}。已将其从最近的文件中移除。</translation>
    </message>
    <message>
        <source>{address} is neither a file nor a folder of images. Choose a video with Open file… or a folder with Open folder of images…</source>
        <translation>{address} 既不是文件也不是图片文件夹。请用“打开文件…”选择视频，或用“打开图片文件夹…”选择文件夹</translation>
    </message>
    <message>
        <source>&apos;{shown}&apos; is neither a file nor a stream. Expected a video file or a URL such as rtsp://host/path.</source>
        <translation>“{shown}”既不是文件也不是流。应为视频文件或 rtsp://host/path 之类的 URL。</translation>
    </message>
    <message>
        <source>No camera was found. Plug one in, or allow this app to use it in the system&apos;s settings.</source>
        <translation>未找到摄像头。请连接摄像头，或在系统设置中允许此应用使用它。</translation>
    </message>
    <message>
        <source>The model folders cannot be read.</source>
        <translation>无法读取模型文件夹。</translation>
    </message>
    <message>
        <source>The devices cannot be listed; the CPU is used.</source>
        <translation>无法列出设备；使用 CPU。</translation>
    </message>
    <message>
        <source>No camera found. Playing the demo.</source>
        <translation>未找到摄像头。正在播放演示。</translation>
    </message>
    <message>
        <source>Videos, sessions and models ({join});;All files (*)</source>
        <translation>视频、会话和模型 ({join});;所有文件 (*)</translation>
    </message>
    <message>
        <source>{name} is gone.</source>
        <translation>{name} 已不存在。</translation>
    </message>
    <message>
        <source>{gone} Opening {name}.</source>
        <translation>{gone}正在打开 {name}。</translation>
    </message>
    <message>
        <source>an analysis</source>
        <translation>分析</translation>
    </message>
    <message>
        <source>a model build</source>
        <translation>构建模型</translation>
    </message>
    <message>
        <source>a recording</source>
        <translation>录制</translation>
    </message>
    <message>
        <source>saving the last seconds</source>
        <translation>保存最近几秒</translation>
    </message>
    <message>
        <source>a measurement</source>
        <translation>测试</translation>
    </message>
    <message>
        <source>{join} and {names}</source>
        <translation>{join}和{names}</translation>
    </message>
    <message>
        <source>Without a person detector, what moves is followed. Who stands still is not found.</source>
        <translation>没有人物检测器时，跟踪的是移动的区域。站着不动的人无法找到。</translation>
    </message>
    <message>
        <source>{message} Choose it in the list of models.</source>
        <translation>{message}请在模型列表中选择它。</translation>
    </message>
    <message>
        <source>Building {title} failed: {message}</source>
        <translation>构建 {title} 失败：{message}</translation>
    </message>
    <message>
        <source>Change the times</source>
        <translation>更改时间</translation>
    </message>
    <message>
        <source>Add an event</source>
        <translation>添加事件</translation>
    </message>
    <message>
        <source>Choose or type an action</source>
        <translation>选择或输入动作</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>动作</translation>
    </message>
    <message>
        <source>The action: one that the model knows, or any other name</source>
        <translation>动作：模型已知的动作，或任何其他名称</translation>
    </message>
    <message>
        <source>Who does it</source>
        <translation>谁做的</translation>
    </message>
    <message>
        <source>From</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>When it began, e.g. 1:23.4</source>
        <translation>开始时间，例如 1:23.4</translation>
    </message>
    <message>
        <source>When it ended, e.g. 1:25.4</source>
        <translation>结束时间，例如 1:25.4</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>更改</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Choose or type an action.</source>
        <translation>请选择或输入动作。</translation>
    </message>
    <message>
        <source>Enter times as 1:23.4 or 1:02:03.</source>
        <translation>请按 1:23.4 或 1:02:03 的形式输入时间。</translation>
    </message>
    <message>
        <source>The event must begin before it ends.</source>
        <translation>事件必须先开始后结束。</translation>
    </message>
    <message>
        <source>Report (*.html)</source>
        <translation>报告 (*.html)</translation>
    </message>
    <message>
        <source>JSON (*.json)</source>
        <translation>JSON (*.json)</translation>
    </message>
    <message>
        <source>Table (*.csv)</source>
        <translation>表格 (*.csv)</translation>
    </message>
    <message>
        <source>SubRip subtitles (*.srt)</source>
        <translation>SubRip 字幕 (*.srt)</translation>
    </message>
    <message>
        <source>WebVTT subtitles (*.vtt)</source>
        <translation>WebVTT 字幕 (*.vtt)</translation>
    </message>
    <message>
        <source>ELAN annotations (*.eaf)</source>
        <translation>ELAN 标注 (*.eaf)</translation>
    </message>
    <message>
        <source>VIA annotations (*.via.json)</source>
        <translation>VIA 标注 (*.via.json)</translation>
    </message>
    <message>
        <source>Table as of Kinetics (*.kinetics.csv)</source>
        <translation>Kinetics 格式表格 (*.kinetics.csv)</translation>
    </message>
    <message>
        <source>Table as of AVA, of people (*.ava.csv)</source>
        <translation>AVA 形式的表，按人物 (*.ava.csv)</translation>
    </message>
    <message>
        <source>There are no events to export yet.</source>
        <translation>还没有可导出的事件。</translation>
    </message>
    <message>
        <source>Export events of the marked part</source>
        <translation>导出已标记片段的事件</translation>
    </message>
    <message>
        <source>Export events</source>
        <translation>导出事件</translation>
    </message>
    <message>
        <source>{stem} events</source>
        <translation>{stem} 事件</translation>
    </message>
    <message>
        <source>Live {begin_s}</source>
        <translation>实时 {begin_s}</translation>
    </message>
    <message>
        <source>Saved {path}</source>
        <translation>已保存 {path}</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>When it began</source>
        <translation>开始时间</translation>
    </message>
    <message>
        <source>The action; double-click or press F2 to rename it</source>
        <translation>动作；双击或按 F2 重命名</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>时长</translation>
    </message>
    <message>
        <source>How long it lasted</source>
        <translation>持续时间</translation>
    </message>
    <message>
        <source>Reps</source>
        <translation>次数</translation>
    </message>
    <message>
        <source>How many times the movement was repeated</source>
        <translation>动作重复的次数</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>分数</translation>
    </message>
    <message>
        <source>Mean score over the event</source>
        <translation>整个事件的平均分数</translation>
    </message>
    <message>
        <source>Who</source>
        <translation>谁</translation>
    </message>
    <message>
        <source>Number of the person; empty if it is about the whole picture</source>
        <translation>人物编号；若为整个画面则为空</translation>
    </message>
    <message>
        <source>added</source>
        <translation>已添加</translation>
    </message>
    <message>
        <source>Now. </source>
        <translation>现在。</translation>
    </message>
    <message>
        <source>now</source>
        <translation>现在</translation>
    </message>
    <message>
        <source>{person}: {action}</source>
        <translation>{person}：{action}</translation>
    </message>
    <message>
        <source>{begin_s} to {until}, {length_s}</source>
        <translation>{begin_s}–{until} {length_s}</translation>
    </message>
    <message>
        <source>{action_name}
{lasts} · added manually</source>
        <translation>{action_name}
{lasts} · 手动添加</translation>
    </message>
    <message>
        <source> (the model: {action_name})</source>
        <translation>（模型：{action_name}）</translation>
    </message>
    <message>
        <source>{action_name}{said}
{lasts} · mean {mean_score}, peak {peak_score} at {peak_s}</source>
        <translation>{action_name}{said}
{lasts} 均{mean_score} 峰{peak_score}({peak_s})</translation>
    </message>
    <message>
        <source>All actions</source>
        <translation>所有动作</translation>
    </message>
    <message>
        <source>Name of the action</source>
        <translation>动作名称</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Filter the events</source>
        <translation>筛选事件</translation>
    </message>
    <message>
        <source>Part of an action&apos;s name</source>
        <translation>动作名称的一部分</translation>
    </message>
    <message>
        <source>List only the events of one action</source>
        <translation>只列出一种动作的事件</translation>
    </message>
    <message>
        <source>Any score</source>
        <translation>任意分数</translation>
    </message>
    <message>
        <source>Minimum score</source>
        <translation>最低分数</translation>
    </message>
    <message>
        <source>List only events with at least this mean score</source>
        <translation>只列出平均分数不低于此值的事件</translation>
    </message>
    <message>
        <source>Enter goes to the event, F2 renames it, Delete deletes it</source>
        <translation>Enter 转到事件，F2 重命名，Delete 删除</translation>
    </message>
    <message>
        <source>Rename…</source>
        <translation>重命名…</translation>
    </message>
    <message>
        <source>Rename all…</source>
        <translation>全部重命名…</translation>
    </message>
    <message>
        <source>Change the times…</source>
        <translation>更改时间…</translation>
    </message>
    <message>
        <source>Make a rule of it…</source>
        <translation>据此建立规则…</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>复制为文本</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Rename the event (F2)</source>
        <translation>重命名事件 (F2)</translation>
    </message>
    <message>
        <source>Delete the selected events (Delete)</source>
        <translation>删除所选事件 (Delete)</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the selected events as text (Ctrl+C)</source>
        <translation>将所选事件复制为文本 (Ctrl+C)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>No event matches the filter.</source>
        <translation>没有符合筛选条件的事件。</translation>
    </message>
    <message>
        <source>1 event</source>
        <translation>1 个事件</translation>
    </message>
    <message>
        <source>{known} events</source>
        <translation>{known} 个事件</translation>
    </message>
    <message>
        <source>{shown} of {events}</source>
        <translation>{shown} / {events}</translation>
    </message>
    <message>
        <source>{total_s} in all</source>
        <translation>共 {total_s}</translation>
    </message>
    <message>
        <source>No events yet.
Actions appear here as they are recognized.</source>
        <translation>还没有事件。
识别出动作后会显示在这里。</translation>
    </message>
    <message>
        <source>Rename all</source>
        <translation>全部重命名</translation>
    </message>
    <message>
        <source>New name for every “{label}”, including future ones:</source>
        <translation>所有“{label}”（包括以后的）的新名称：</translation>
    </message>
    <message>
        <source>{what} · &lt;a href=&quot;undo&quot;&gt;Undo&lt;/a&gt;</source>
        <translation>{what} · &lt;a href=&quot;undo&quot;&gt;撤销&lt;/a&gt;</translation>
    </message>
    <message>
        <source>Rename all “{label}”…</source>
        <translation>将所有“{label}”重命名…</translation>
    </message>
    <message>
        <source>Recognized during playback: parts that were not played are unknown.</source>
        <translation>在播放期间识别：未播放的部分未知。</translation>
    </message>
    <message>
        <source>The last ten minutes</source>
        <translation>最近十分钟</translation>
    </message>
    <message>
        <source>At {position_s} of {end_s}{doing}</source>
        <translation>{position_s} / {end_s}{doing}</translation>
    </message>
    <message>
        <source>Drag to scroll back, wheel to zoom</source>
        <translation>拖动回看，滚轮缩放</translation>
    </message>
    <message>
        <source>Click or drag to seek (arrow keys: 1 s), wheel to zoom, Shift and drag to move</source>
        <translation>单击或拖动以定位（方向键：1 秒），滚轮缩放，按住 Shift 拖动以平移</translation>
    </message>
    <message>
        <source>{what}; {keys} shows all, {other_keys} collapses it</source>
        <translation>{what}；{keys} 显示全部，{other_keys} 收起</translation>
    </message>
    <message>
        <source>The model is being prepared</source>
        <translation>正在准备模型</translation>
    </message>
    <message>
        <source>No model: nothing is recognized</source>
        <translation>没有模型：不进行识别</translation>
    </message>
    <message>
        <source>No action recognized yet</source>
        <translation>还没有识别出动作</translation>
    </message>
    <message>
        <source>score {score}</source>
        <translation>分数 {score}</translation>
    </message>
    <message>
        <source>{value} · activity {activity}</source>
        <translation>{value} · 活跃度 {activity}</translation>
    </message>
    <message>
        <source>Actions</source>
        <translation>动作</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>活跃度</translation>
    </message>
    <message>
        <source>These are the events of an earlier session. Its pictures were not saved.</source>
        <translation>这是以前会话的事件。画面没有保存。</translation>
    </message>
    <message>
        <source>The language changes with the next start.</source>
        <translation>语言将在下次启动时更改。</translation>
    </message>
    <message>
        <source>Building a model needs {listed}, which running a model does not. To install:</source>
        <translation>构建模型需要 {listed}，运行模型则不需要。安装方法：</translation>
    </message>
    <message>
        <source>Command: {command}</source>
        <translation>命令：{command}</translation>
    </message>
    <message>
        <source>Build {title} into {output}</source>
        <translation>将 {title} 构建到 {output}</translation>
    </message>
    <message>
        <source>This model cannot be built here</source>
        <translation>无法在此构建该模型</translation>
    </message>
    <message>
        <source>Building needs {listed}; the command above installs it</source>
        <translation>构建需要 {listed}；可用上面的命令安装</translation>
    </message>
    <message>
        <source>Only one model can be built at a time</source>
        <translation>一次只能构建一个模型</translation>
    </message>
    <message>
        <source>Choose a precision</source>
        <translation>请选择精度</translation>
    </message>
    <message>
        <source>{name} contains your own weights: delete it first</source>
        <translation>{name} 包含您自己的权重：请先删除</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>再次检查</translation>
    </message>
    <message>
        <source>Check again which packages are installed</source>
        <translation>再次检查已安装的软件包</translation>
    </message>
    <message>
        <source>exact, largest</source>
        <translation>精确，体积最大</translation>
    </message>
    <message>
        <source>half the size, same scores</source>
        <translation>体积减半，分数相同</translation>
    </message>
    <message>
        <source>smallest and fastest</source>
        <translation>最小最快</translation>
    </message>
    <message>
        <source>Build in {name}</source>
        <translation>以 {name} 构建</translation>
    </message>
    <message>
        <source>from</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Published weights</source>
        <translation>已发布的权重</translation>
    </message>
    <message>
        <source>Use a checkpoint file…</source>
        <translation>使用检查点文件…</translation>
    </message>
    <message>
        <source>Random weights</source>
        <translation>随机权重</translation>
    </message>
    <message>
        <source>Download the authors&apos; weights, once</source>
        <translation>下载作者的权重，仅一次</translation>
    </message>
    <message>
        <source>The folder {checkpoint} does not exist. Choose another one.</source>
        <translation>文件夹 {checkpoint} 不存在。请选择另一个。</translation>
    </message>
    <message>
        <source>Folder: {shown}</source>
        <translation>文件夹：{shown}</translation>
    </message>
    <message>
        <source>Networks (*.xml *.bin)</source>
        <translation>网络 (*.xml *.bin)</translation>
    </message>
    <message>
        <source>Use a folder of its files…</source>
        <translation>使用其文件所在的文件夹…</translation>
    </message>
    <message>
        <source>The four files that its authors publish, from a folder on this computer</source>
        <translation>作者发布的四个文件，来自此电脑上的文件夹</translation>
    </message>
    <message>
        <source>Weights from a file on this computer</source>
        <translation>来自本机文件的权重</translation>
    </message>
    <message>
        <source>No download: to try the speed only; the scores are meaningless</source>
        <translation>不下载：仅用于测试速度；分数没有意义</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>Where the weights come from</source>
        <translation>权重的来源</translation>
    </message>
    <message>
        <source>Build</source>
        <translation>构建</translation>
    </message>
    <message>
        <source>Build the chosen model; recognition continues meanwhile</source>
        <translation>构建所选模型；期间识别继续</translation>
    </message>
    <message>
        <source>Progress of the build</source>
        <translation>构建进度</translation>
    </message>
    <message>
        <source>Cancel build</source>
        <translation>取消构建</translation>
    </message>
    <message>
        <source>Cancel the build; incomplete files are removed</source>
        <translation>取消构建；未完成的文件会被移除</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Show the output of the build program</source>
        <translation>显示构建程序的输出</translation>
    </message>
    <message>
        <source>Log of the build</source>
        <translation>构建日志</translation>
    </message>
    <message>
        <source>Output of the build program</source>
        <translation>构建程序的输出</translation>
    </message>
    <message>
        <source>Build in</source>
        <translation>构建精度</translation>
    </message>
    <message>
        <source>Weights for this model</source>
        <translation>此模型的权重</translation>
    </message>
    <message>
        <source>Checkpoints (*.pyth *.pth *.pt *.pkl)</source>
        <translation>检查点 (*.pyth *.pth *.pt *.pkl)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>File: {shown}</source>
        <translation>文件：{shown}</translation>
    </message>
    <message>
        <source>The checkpoint {checkpoint} does not exist. Choose another file.</source>
        <translation>检查点 {checkpoint} 不存在。请选择其他文件。</translation>
    </message>
    <message>
        <source>A model named {name} already exists. Choose another name.</source>
        <translation>名为 {name} 的模型已存在。请选择其他名称。</translation>
    </message>
    <message>
        <source>Canceling: removing incomplete files.</source>
        <translation>正在取消：移除未完成的文件。</translation>
    </message>
    <message>
        <source>Building {title}…</source>
        <translation>正在构建 {title}…</translation>
    </message>
    <message>
        <source>downloading, {amount}</source>
        <translation>正在下载，{amount}</translation>
    </message>
    <message>
        <source>{title} was not built. {message}</source>
        <translation>未能构建 {title}。{message}</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} actions of everyday life.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 网络，在 {dataset} 上训练：{actions} 种日常动作。&lt;/p&gt;</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} actions of each person.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 网络，在 {dataset} 上训练：画面中每个人的 {actions} 种动作。&lt;/p&gt;</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} labels.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 网络，在 {dataset} 上训练：{actions} 个标签。&lt;/p&gt;</translation>
    </message>
    <message>
        <source>Clip</source>
        <translation>片段</translation>
    </message>
    <message>
        <source>{mean_ap} mAP</source>
        <translation>{mean_ap} mAP</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>准确率</translation>
    </message>
    <message>
        <source>{join} on {dataset}, published</source>
        <translation>{join}（{dataset}，已发布）</translation>
    </message>
    <message>
        <source>Measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>{value} a clip. {origin}</source>
        <translation>每个片段 {value}。{origin}</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>unknown: once a model has run, it can be estimated</source>
        <translation>未知：运行过模型后可以估算</translation>
    </message>
    <message>
        <source>License</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>not stated</source>
        <translation>未说明</translation>
    </message>
    <message>
        <source>{frames} whole pictures with a short side of {side} over {length} (stride {stride} at {fps} fps)</source>
        <translation>{length} 内 {frames} 张短边为 {side} 的完整画面（步长 {stride}，{fps} fps）</translation>
    </message>
    <message>
        <source>{frames} pictures of {side} × {side} over {length} (stride {stride} at {fps} fps)</source>
        <translation>{length} 内 {frames} 张 {side} × {side} 画面（步长 {stride}，{fps} fps）</translation>
    </message>
    <message>
        <source>&lt;a href=&quot;{url}&quot;&gt;{url_2}&lt;/a&gt;</source>
        <translation>&lt;a href=&quot;{url}&quot;&gt;{url_2}&lt;/a&gt;</translation>
    </message>
    <message>
        <source>already downloaded</source>
        <translation>已下载</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>ms per clip</source>
        <translation>每片段毫秒</translation>
    </message>
    <message>
        <source>Predictions/s</source>
        <translation>预测/秒</translation>
    </message>
    <message>
        <source>Execution precision</source>
        <translation>计算精度</translation>
    </message>
    <message>
        <source>The measurement ended early: {how}.</source>
        <translation>测试提前结束：{how}。</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>测试这台电脑</translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation>测试进度</translation>
    </message>
    <message>
        <source>Results of the measurement</source>
        <translation>测试结果</translation>
    </message>
    <message>
        <source>The model that comes with the app knows 18 movements. These networks know the 400 actions of Kinetics: sport, music, cooking, crafts and much else. Their weights are published by their authors and are fetched from them.</source>
        <translation>应用自带的模型认识 18 种动作。这些网络认识 Kinetics 的 400 种动作：运动、音乐、烹饪、手工等等。其权重由作者发布，并从作者处获取。</translation>
    </message>
    <message>
        <source>Converting them needs PyTorch and other build tools, which are not installed. They are installed once, into a folder of their own: several hundred megabytes, or several gigabytes if PyTorch comes with CUDA.</source>
        <translation>转换需要 PyTorch 和其他构建工具，目前尚未安装。它们只安装一次，放在单独的文件夹中：数百兆字节，若 PyTorch 带 CUDA 则为数吉字节。</translation>
    </message>
    <message>
        <source>Recognize 400 actions</source>
        <translation>识别 400 种动作</translation>
    </message>
    <message>
        <source>Finding out what suits this machine…</source>
        <translation>正在确定适合这台电脑的网络…</translation>
    </message>
    <message>
        <source>Progress of the setup</source>
        <translation>设置进度</translation>
    </message>
    <message>
        <source>What the programs wrote</source>
        <translation>程序的输出</translation>
    </message>
    <message>
        <source>Show what the programs wrote</source>
        <translation>显示程序的输出</translation>
    </message>
    <message>
        <source>Set up</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Fetch, convert, check and switch to the selected network</source>
        <translation>获取、转换、检查并切换到所选网络</translation>
    </message>
    <message>
        <source>From a file…</source>
        <translation>从文件…</translation>
    </message>
    <message>
        <source>Without the internet: from weights or models on this machine</source>
        <translation>无需联网：使用这台电脑上的权重或模型</translation>
    </message>
    <message>
        <source>End the setup; it can go on later from there</source>
        <translation>结束设置；以后可从那里继续</translation>
    </message>
    <message>
        <source>Close; a setup goes on (Esc)</source>
        <translation>关闭；设置会继续 (Esc)</translation>
    </message>
    <message>
        <source>400 actions</source>
        <translation>400 种动作</translation>
    </message>
    <message>
        <source> – recommended for this machine</source>
        <translation> – 推荐用于这台电脑</translation>
    </message>
    <message>
        <source> – the fastest</source>
        <translation> – 最快</translation>
    </message>
    <message>
        <source>Switching to {title}.</source>
        <translation>正在切换到 {title}。</translation>
    </message>
    <message>
        <source>Another model is being built. Start again when it is done.</source>
        <translation>正在构建其他模型。完成后请重新开始。</translation>
    </message>
    <message>
        <source>Weights or models on this machine</source>
        <translation>这台电脑上的权重或模型</translation>
    </message>
    <message>
        <source>Weights and archives of models (*.pyth *.pth *.pt *.zip)</source>
        <translation>权重和模型归档 (*.pyth *.pth *.pt *.zip)</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Nothing was measured on this machine yet; the fastest is recommended.</source>
        <translation>尚未在这台电脑上测试；推荐最快的。</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测试</translation>
    </message>
    <message>
        <source>Measure when it is done</source>
        <translation>完成后测试</translation>
    </message>
    <message>
        <source>Start automatically as soon as nothing else is running</source>
        <translation>没有其他任务时自动开始</translation>
    </message>
    <message>
        <source>Use the recommended model and device</source>
        <translation>使用推荐的模型和设备</translation>
    </message>
    <message>
        <source>Measure each trained model for two seconds</source>
        <translation>每个已训练的模型测试两秒</translation>
    </message>
    <message>
        <source>Cancel the measurement, or close this window (Esc)</source>
        <translation>取消测试，或关闭此窗口 (Esc)</translation>
    </message>
    <message>
        <source>Each trained model runs for two seconds on each device; recognition pauses meanwhile.</source>
        <translation>每个已训练的模型在每个设备上运行两秒；期间识别暂停。</translation>
    </message>
    <message>
        <source>In progress: {listed}. Measured meanwhile, every model would seem slower than it is.</source>
        <translation>正在进行：{listed}。此时测试，所有模型都会显得比实际慢。</translation>
    </message>
    <message>
        <source>Starting. Recognition pauses meanwhile.</source>
        <translation>正在开始。期间识别暂停。</translation>
    </message>
    <message>
        <source>Waiting for {listed} to finish; the measurement starts then.</source>
        <translation>等待 {listed} 结束；随后开始测试。</translation>
    </message>
    <message>
        <source>Nothing else is running now. Recognition pauses while this machine is measured.</source>
        <translation>现在没有其他任务。测试期间识别暂停。</translation>
    </message>
    <message>
        <source>The measurement was canceled.</source>
        <translation>测试已取消。</translation>
    </message>
    <message>
        <source>Recommended: {title} on {device}. {reason}</source>
        <translation>推荐：{title}，{device}。{reason}</translation>
    </message>
    <message>
        <source>No trained model runs here.</source>
        <translation>没有能在此运行的已训练模型。</translation>
    </message>
    <message>
        <source>does not run</source>
        <translation>无法运行</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <source>Name, family, precision, or &apos;not built&apos; (Ctrl+F)</source>
        <translation>名称、系列、精度或“未构建”(Ctrl+F)</translation>
    </message>
    <message>
        <source>One row per model; Enter uses it, or opens the form to build it</source>
        <translation>每个模型一行；Enter 使用它，或打开构建表单</translation>
    </message>
    <message>
        <source>Details of the model</source>
        <translation>模型详情</translation>
    </message>
    <message>
        <source>Description and origin of the selected model</source>
        <translation>所选模型的说明和来源</translation>
    </message>
    <message>
        <source>Built precision</source>
        <translation>已构建的精度</translation>
    </message>
    <message>
        <source>The built precision to use, show or delete</source>
        <translation>要使用、显示或删除的精度</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Switch to this model (Enter in the list)</source>
        <translation>切换到此模型（列表中按 Enter）</translation>
    </message>
    <message>
        <source>Open its folder in the file manager</source>
        <translation>在文件管理器中打开其文件夹</translation>
    </message>
    <message>
        <source>Delete…</source>
        <translation>删除…</translation>
    </message>
    <message>
        <source>Delete it from disk, after confirmation</source>
        <translation>确认后从磁盘删除</translation>
    </message>
    <message>
        <source>Get or choose what finds people in the picture</source>
        <translation>获取或选择用来找人的检测器</translation>
    </message>
    <message>
        <source>Close; a running build continues (Esc)</source>
        <translation>关闭；正在进行的构建会继续 (Esc)</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>Listing the models that can be built…</source>
        <translation>正在列出可构建的模型…</translation>
    </message>
    <message>
        <source>{shown} of {rows}</source>
        <translation>{shown} / {rows}</translation>
    </message>
    <message>
        <source>{counted}, {built} built</source>
        <translation>{counted}，已构建 {built} 个</translation>
    </message>
    <message>
        <source> untrained</source>
        <translation> 未训练</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行中</translation>
    </message>
    <message>
        <source>Not built</source>
        <translation>未构建</translation>
    </message>
    <message>
        <source>It is not built</source>
        <translation>尚未构建</translation>
    </message>
    <message>
        <source>It is in use: choose another model first</source>
        <translation>正在使用：请先选择其他模型</translation>
    </message>
    <message>
        <source>It is being rebuilt</source>
        <translation>正在重新构建</translation>
    </message>
    <message>
        <source>Switching to {display_name}.</source>
        <translation>正在切换到 {display_name}。</translation>
    </message>
    <message>
        <source>No file manager could be opened. The folder is {folder}</source>
        <translation>无法打开文件管理器。文件夹：{folder}</translation>
    </message>
    <message>
        <source>Delete a model</source>
        <translation>删除模型</translation>
    </message>
    <message>
        <source>Delete {display_name}?</source>
        <translation>删除 {display_name}？</translation>
    </message>
    <message>
        <source>{folder}
{megabytes} will be freed. It can be built again{value}; this cannot be undone.</source>
        <translation>{folder}
将释放 {megabytes}。可以再次构建{value}；此操作无法撤销。</translation>
    </message>
    <message>
        <source> while you have its checkpoint</source>
        <translation>（只要您还有它的检查点）</translation>
    </message>
    <message>
        <source>{display_name} was not deleted. {why}.</source>
        <translation>未能删除 {display_name}。{why}。</translation>
    </message>
    <message>
        <source>{display_name} is deleted.</source>
        <translation>已删除 {display_name}。</translation>
    </message>
    <message>
        <source>{trained} models</source>
        <translation>{trained} 个模型</translation>
    </message>
    <message>
        <source>Your model</source>
        <translation>您的模型</translation>
    </message>
    <message>
        <source>any of {devices} devices</source>
        <translation>{devices} 个设备中的任意一个</translation>
    </message>
    <message>
        <source>this machine</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>{of} can run on {on}. Measuring takes seconds and shows which suits it best.</source>
        <translation>{of}可以在{on}上运行。测试只需几秒，即可知道哪个最合适。</translation>
    </message>
    <message>
        <source>The list of models that can be built cannot be read. Reinstall SlowFast Live.</source>
        <translation>无法读取可构建模型的列表。请重新安装 SlowFast Live。</translation>
    </message>
    <message>
        <source>It is part of the app</source>
        <translation>它是应用的一部分</translation>
    </message>
    <message>
        <source>Its folder is a link to another location</source>
        <translation>其文件夹是指向其他位置的链接</translation>
    </message>
    <message>
        <source>Its folder is not writable</source>
        <translation>其文件夹不可写</translation>
    </message>
    <message>
        <source>{folder} was not deleted: {reason}.</source>
        <translation>未删除 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>{folder} cannot be deleted: {reason}.</source>
        <translation>无法删除 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>{precision} untrained</source>
        <translation>{precision} 未训练</translation>
    </message>
    <message>
        <source>{own} (own)</source>
        <translation>{own}（自有）</translation>
    </message>
    <message>
        <source>{shown} measured</source>
        <translation>{shown} 实测</translation>
    </message>
    <message>
        <source>about {shown}{value}</source>
        <translation>约 {shown}{value}</translation>
    </message>
    <message>
        <source>Measured here on {device}, {precision}, median of the latest predictions.</source>
        <translation>在此于 {device}、{precision} 上实测，取最近预测的中位数。</translation>
    </message>
    <message>
        <source>Estimated from GFLOPs: {title} in {precision} takes {base_ms} ms for {gflops} GFLOPs on {device}. </source>
        <translation>根据 GFLOPs 估算：{precision} 的 {title} 在 {device} 上 {gflops} GFLOPs 需 {base_ms} 毫秒。</translation>
    </message>
    <message>
        <source>That is another family, so the estimate may be off by several times. </source>
        <translation>系列不同，估计值可能相差数倍。</translation>
    </message>
    <message>
        <source>Run it to find out.</source>
        <translation>运行一次即可得知。</translation>
    </message>
    <message>
        <source>The network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Built</source>
        <translation>已构建</translation>
    </message>
    <message>
        <source>Precisions on this machine</source>
        <translation>这台电脑上的精度</translation>
    </message>
    <message>
        <source>How many actions it knows</source>
        <translation>已知动作数</translation>
    </message>
    <message>
        <source>Top-1</source>
        <translation>Top-1</translation>
    </message>
    <message>
        <source>Published top-1 accuracy in percent, over several views of a video; mAP where several labels are right</source>
        <translation>已发布的 top-1 准确率（百分比），对一段视频多次取样；多标签时为 mAP</translation>
    </message>
    <message>
        <source>Top-5</source>
        <translation>Top-5</translation>
    </message>
    <message>
        <source>Published top-5 accuracy in percent, over several views of a video</source>
        <translation>已发布的 top-5 准确率（百分比），对一段视频多次取样</translation>
    </message>
    <message>
        <source>Multiply-adds per clip in 1e9: the amount of computation</source>
        <translation>每个片段的乘加次数（十亿）：计算量</translation>
    </message>
    <message>
        <source>Params</source>
        <translation>参数</translation>
    </message>
    <message>
        <source>Parameters in millions</source>
        <translation>参数量（百万）</translation>
    </message>
    <message>
        <source>Size on disk</source>
        <translation>占用磁盘大小</translation>
    </message>
    <message>
        <source>Speed here</source>
        <translation>本机速度</translation>
    </message>
    <message>
        <source>Time for one clip on this machine: measured in this session, or estimated from it</source>
        <translation>本机处理一个片段的时间：本次会话中实测，或据此估算</translation>
    </message>
    <message>
        <source>not built</source>
        <translation>未构建</translation>
    </message>
    <message>
        <source>Its speed cannot be estimated before a model has run.</source>
        <translation>在运行过模型之前无法估算其速度。</translation>
    </message>
    <message>
        <source>Model: {title}{value}</source>
        <translation>模型：{title}{value}</translation>
    </message>
    <message>
        <source>, running</source>
        <translation>，正在运行</translation>
    </message>
    <message>
        <source>being built</source>
        <translation>正在构建</translation>
    </message>
    <message>
        <source>{value} mAP</source>
        <translation>{value} mAP</translation>
    </message>
    <message>
        <source>Labels file</source>
        <translation>标签文件</translation>
    </message>
    <message>
        <source>Class names in the order of the outputs: text, CSV or JSON</source>
        <translation>按输出顺序排列的类别名称：文本、CSV 或 JSON</translation>
    </message>
    <message>
        <source>those of Kinetics-400</source>
        <translation>Kinetics-400 的标签</translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation>浏览…</translation>
    </message>
    <message>
        <source>Browse for labels</source>
        <translation>浏览标签</translation>
    </message>
    <message>
        <source>Choose the file with the class names</source>
        <translation>选择包含类别名称的文件</translation>
    </message>
    <message>
        <source>Number of classes</source>
        <translation>类别数</translation>
    </message>
    <message>
        <source>Number of classes; not needed with a labels file</source>
        <translation>类别数；有标签文件时不需要</translation>
    </message>
    <message>
        <source>Name of your model</source>
        <translation>模型名称</translation>
    </message>
    <message>
        <source>First part of its folder&apos;s name; if empty, the network&apos;s name</source>
        <translation>其文件夹名称的第一部分；留空则使用网络名称</translation>
    </message>
    <message>
        <source>fill in Classes or Labels</source>
        <translation>请填写类别或标签</translation>
    </message>
    <message>
        <source>choose it here: “Use a checkpoint file…”</source>
        <translation>请在此选择：“使用检查点文件…”</translation>
    </message>
    <message>
        <source>Labels</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>another precision</source>
        <translation>其他精度</translation>
    </message>
    <message>
        <source>The list of models that can be built is not available; see the log for the reason.</source>
        <translation>无法获得可构建模型的列表；原因见日志。</translation>
    </message>
    <message>
        <source>{title} is built: {precisions}.</source>
        <translation>{title} 已构建：{precisions}。</translation>
    </message>
    <message>
        <source>Building {title} was canceled. Incomplete files were removed.</source>
        <translation>已取消构建 {title}。未完成的文件已删除。</translation>
    </message>
    <message>
        <source>Classes must be a whole number, not &apos;{value}&apos;.</source>
        <translation>类别数必须是整数，而不是“{value}”。</translation>
    </message>
    <message>
        <source>The name may contain letters, digits, &apos;.&apos;, &apos;_&apos; and &apos;-&apos;, the first a letter or digit.</source>
        <translation>名称只能包含字母、数字、“.”、“_”和“-”，且以字母或数字开头。</translation>
    </message>
    <message>
        <source>Labels of your checkpoint</source>
        <translation>检查点的标签</translation>
    </message>
    <message>
        <source>Class names (*.txt *.csv *.tsv *.json *.names *.labels *.pbtxt)</source>
        <translation>类别名称 (*.txt *.csv *.tsv *.json *.names *.labels *.pbtxt)</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Search the actions</source>
        <translation>搜索动作</translation>
    </message>
    <message>
        <source>Checked actions are looked for. Search</source>
        <translation>查找已勾选的动作。搜索</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Look for all actions again</source>
        <translation>重新查找所有动作</translation>
    </message>
    <message>
        <source>No model is running.</source>
        <translation>没有正在运行的模型。</translation>
    </message>
    <message>
        <source>looks for {chosen} of {counted}</source>
        <translation>查找 {counted} 中的 {chosen} 个</translation>
    </message>
    <message>
        <source>{shown} of {counted}</source>
        <translation>{shown} / {counted}</translation>
    </message>
    <message>
        <source>The model does not know that action.</source>
        <translation>模型不认识这个动作。</translation>
    </message>
    <message>
        <source>Drag to widen the panel; double click for its usual width</source>
        <translation>拖动以加宽面板；双击恢复默认宽度</translation>
    </message>
    <message>
        <source>Latency plot</source>
        <translation>延迟曲线</translation>
    </message>
    <message>
        <source>Latency of the last {count} predictions, in milliseconds</source>
        <translation>最近 {count} 次预测的延迟（毫秒）</translation>
    </message>
    <message>
        <source>Now {latency_ms} ms, between {low} and {high} ms</source>
        <translation>当前 {latency_ms} 毫秒，介于 {low} 和 {high} 毫秒之间</translation>
    </message>
    <message>
        <source>Frames per second from the source</source>
        <translation>来源每秒帧数</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Frames per second on screen</source>
        <translation>屏幕每秒帧数</translation>
    </message>
    <message>
        <source>Predictions</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>Predictions per second</source>
        <translation>每秒预测次数</translation>
    </message>
    <message>
        <source>Latency</source>
        <translation>延迟</translation>
    </message>
    <message>
        <source>From the capture of the newest frame to its prediction</source>
        <translation>从采集最新一帧到得出预测</translation>
    </message>
    <message>
        <source>Inference</source>
        <translation>推理</translation>
    </message>
    <message>
        <source>Inference time per clip</source>
        <translation>每个片段的推理时间</translation>
    </message>
    <message>
        <source>Number format of the computation, independent of how the weights are stored</source>
        <translation>计算所用的数值格式，与权重的存储方式无关</translation>
    </message>
    <message>
        <source>Dropped</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <source>Frames of this source that were dropped because they were late</source>
        <translation>此来源中因迟到而丢弃的帧</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>画面</translation>
    </message>
    <message>
        <source>Resolution and codec of the source</source>
        <translation>来源的分辨率和编解码器</translation>
    </message>
    <message>
        <source>{value} {meaning} on {clips}, {origin}{note}</source>
        <translation>在{clips}上{meaning} {value}，{origin}{note}</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>published</source>
        <translation>公布值</translation>
    </message>
    <message>
        <source>Family</source>
        <translation>系列</translation>
    </message>
    <message>
        <source>, not trained: random weights</source>
        <translation>，未训练：随机权重</translation>
    </message>
    <message>
        <source>not measured yet</source>
        <translation>尚未测量</translation>
    </message>
    <message>
        <source>Sees</source>
        <translation>所见</translation>
    </message>
    <message>
        <source>{frames} pictures of {side} × {side} over {clip_length}</source>
        <translation>{clip_length} 内 {frames} 张 {side} × {side} 画面</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Pathways</source>
        <translation>通路</translation>
    </message>
    <message>
        <source>fast {frames}, slow {max} pictures</source>
        <translation>快速 {frames} 张，慢速 {max} 张</translation>
    </message>
    <message>
        <source>{params_m} M parameters</source>
        <translation>{params_m} 百万参数</translation>
    </message>
    <message>
        <source>{gflops} GFLOPs a clip</source>
        <translation>每片段 {gflops} GFLOPs</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Parity</source>
        <translation>一致性</translation>
    </message>
    <message>
        <source>Origin</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>More about it</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>More about the model</source>
        <translation>关于模型的更多信息</translation>
    </message>
    <message>
        <source>Show all figures, what it sees and its license</source>
        <translation>显示所有数据、其所见范围和许可证</translation>
    </message>
    <message>
        <source>Model card</source>
        <translation>模型卡</translation>
    </message>
    <message>
        <source>Less</source>
        <translation>收起</translation>
    </message>
    <message>
        <source>No model is running</source>
        <translation>没有正在运行的模型</translation>
    </message>
    <message>
        <source>Choose one above, or build one: Manage models… ({keys}), or in a terminal
{command}

Published weights are not included with the app: building downloads and converts them, once.</source>
        <translation>请在上方选择或构建一个模型：“管理模型…”({keys})，或在终端中运行
{command}

应用不包含已发布的权重：构建时会下载并转换，仅一次。</translation>
    </message>
    <message>
        <source>Not trained: its weights are random.</source>
        <translation>未训练：其权重是随机的。</translation>
    </message>
    <message>
        <source>Its accuracy was not measured yet.</source>
        <translation>尚未测量其准确率。</translation>
    </message>
    <message>
        <source>{accuracy_value} right at first guess on {clips}.</source>
        <translation>在{clips}上首选正确率 {accuracy_value}。</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>Problem</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Show the technical details of this message</source>
        <translation>显示此消息的技术详情</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详情</translation>
    </message>
    <message>
        <source>Copy message and details to the clipboard</source>
        <translation>将消息和详情复制到剪贴板</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Open the folder that contains this file</source>
        <translation>打开包含此文件的文件夹</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open this file with the system&apos;s program for it</source>
        <translation>用系统默认程序打开此文件</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>关闭消息</translation>
    </message>
    <message>
        <source>Details of the message</source>
        <translation>消息详情</translation>
    </message>
    <message>
        <source>Technical details, for a bug report</source>
        <translation>用于错误报告的技术详情</translation>
    </message>
    <message>
        <source>{others} more</source>
        <translation>还有 {others} 条</translation>
    </message>
    <message>
        <source>No program was found that opens {name}.</source>
        <translation>找不到能打开 {name} 的程序。</translation>
    </message>
    <message>
        <source>Best five scores</source>
        <translation>最高的五个分数</translation>
    </message>
    <message>
        <source>Threshold</source>
        <translation>阈值</translation>
    </message>
    <message>
        <source>Lower</source>
        <translation>降低</translation>
    </message>
    <message>
        <source>higher</source>
        <translation>提高</translation>
    </message>
    <message>
        <source>Smoothed score below which there is no confident action. {keys}</source>
        <translation>平滑后的分数低于此值时视为没有确定的动作。{keys}</translation>
    </message>
    <message>
        <source>Threshold in percent</source>
        <translation>阈值（百分比）</translation>
    </message>
    <message>
        <source>Current action: {shown}</source>
        <translation>当前动作：{shown}</translation>
    </message>
    <message>
        <source>recommended by the model</source>
        <translation>模型推荐值</translation>
    </message>
    <message>
        <source>recommended: {recommended}</source>
        <translation>推荐：{recommended}</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>{per_s} a second</source>
        <translation>每秒 {per_s} 次</translation>
    </message>
    <message>
        <source>Limit</source>
        <translation>上限</translation>
    </message>
    <message>
        <source>Most predictions a second of this model; fewer save power</source>
        <translation>此模型每秒最多预测次数；越少越省电</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>节省</translation>
    </message>
    <message>
        <source>Span</source>
        <translation>时长</translation>
    </message>
    <message>
        <source>Time over which the model sees a whole action</source>
        <translation>模型看到完整动作的时间</translation>
    </message>
    <message>
        <source>Share of the model&apos;s time that the limit saves</source>
        <translation>上限所节省的模型时间比例</translation>
    </message>
    <message>
        <source>{rate_limit} a second</source>
        <translation>每秒 {rate_limit} 次</translation>
    </message>
    <message>
        <source>Now</source>
        <translation>现在</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>实时</translation>
    </message>
    <message>
        <source>Details, or the list of events</source>
        <translation>详情或事件列表</translation>
    </message>
    <message>
        <source>Events · {events}</source>
        <translation>事件 · {events}</translation>
    </message>
    <message>
        <source>No model</source>
        <translation>无模型</translation>
    </message>
    <message>
        <source>Run the model on OpenVINO Model Server or Triton, on another machine</source>
        <translation>在另一台电脑的 OpenVINO Model Server 或 Triton 上运行模型</translation>
    </message>
    <message>
        <source>Source: camera, file, stream, screen or demo</source>
        <translation>来源：摄像头、文件、流、屏幕或演示</translation>
    </message>
    <message>
        <source>Model that recognizes the actions</source>
        <translation>识别动作的模型</translation>
    </message>
    <message>
        <source>Device that runs the model</source>
        <translation>运行模型的设备</translation>
    </message>
    <message>
        <source>A model is being prepared</source>
        <translation>正在准备模型</translation>
    </message>
    <message>
        <source>No camera found</source>
        <translation>未找到摄像头</translation>
    </message>
    <message>
        <source>Connect one: it appears here automatically.</source>
        <translation>连接后会自动显示在这里。</translation>
    </message>
    <message>
        <source>Manage models…</source>
        <translation>管理模型…</translation>
    </message>
    <message>
        <source>No model found. Build one with Manage models… ({keys}) or: {command}</source>
        <translation>未找到模型。请用“管理模型…”({keys}) 或 {command} 构建</translation>
    </message>
    <message>
        <source>{name} · not available</source>
        <translation>{name} · 不可用</translation>
    </message>
    <message>
        <source>Add inference server…</source>
        <translation>添加推理服务器…</translation>
    </message>
    <message>
        <source>To other programs</source>
        <translation>发送到其他程序</translation>
    </message>
    <message>
        <source>Local feed</source>
        <translation>本地数据流</translation>
    </message>
    <message>
        <source>Programs on this machine read what is shown, as it changes</source>
        <translation>本机程序可随时读取所显示的内容</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>端口</translation>
    </message>
    <message>
        <source>Port of the feed on this machine</source>
        <translation>数据流在本机的端口</translation>
    </message>
    <message>
        <source>Address of the feed</source>
        <translation>数据流地址</translation>
    </message>
    <message>
        <source>With the token that a program needs; keep it to yourself</source>
        <translation>包含程序所需的令牌；请勿泄露</translation>
    </message>
    <message>
        <source>Copy the address with its token</source>
        <translation>复制带令牌的地址</translation>
    </message>
    <message>
        <source>New token</source>
        <translation>新令牌</translation>
    </message>
    <message>
        <source>Make a new token: programs with the old one are shut out</source>
        <translation>生成新令牌：使用旧令牌的程序将被拒绝</translation>
    </message>
    <message>
        <source>MQTT broker</source>
        <translation>MQTT 代理</translation>
    </message>
    <message>
        <source>Send what is shown to a broker, for home automation and the like</source>
        <translation>将显示的内容发送到代理，用于家庭自动化等</translation>
    </message>
    <message>
        <source>e.g. mqtt://user:password@192.168.1.5/slowfast-live</source>
        <translation>例如 mqtt://user:password@192.168.1.5/slowfast-live</translation>
    </message>
    <message>
        <source>Broker</source>
        <translation>代理</translation>
    </message>
    <message>
        <source>mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection</source>
        <translation>mqtt://USER:PASSWORD@HOST:PORT/TOPIC，加密连接用 mqtts://</translation>
    </message>
    <message>
        <source>Text file</source>
        <translation>文本文件</translation>
    </message>
    <message>
        <source>Keep the action in a file, for the text source of OBS and the like</source>
        <translation>将动作保存在文件中，供 OBS 等的文本源使用</translation>
    </message>
    <message>
        <source>e.g. /home/ada/now.txt</source>
        <translation>例如 /home/ada/now.txt</translation>
    </message>
    <message>
        <source>Path of the text file</source>
        <translation>文本文件的路径</translation>
    </message>
    <message>
        <source>The file that always has the action that is shown, or nothing</source>
        <translation>始终包含当前显示动作的文件，没有则为空</translation>
    </message>
    <message>
        <source>Choose the file</source>
        <translation>选择文件</translation>
    </message>
    <message>
        <source>with the score</source>
        <translation>附带分数</translation>
    </message>
    <message>
        <source>With the score</source>
        <translation>附带分数</translation>
    </message>
    <message>
        <source>Write the score beside the action</source>
        <translation>在动作旁写上分数</translation>
    </message>
    <message>
        <source>Close; what is on stays on (Esc)</source>
        <translation>关闭；已开启的保持开启 (Esc)</translation>
    </message>
    <message>
        <source>All are off until you turn them on. The picture itself goes nowhere.</source>
        <translation>在您开启之前全部关闭。画面本身不会发送到任何地方。</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Text file for other programs</source>
        <translation>供其他程序使用的文本文件</translation>
    </message>
    <message>
        <source>Text (*.txt)</source>
        <translation>文本 (*.txt)</translation>
    </message>
    <message>
        <source>No program reads it now.</source>
        <translation>目前没有程序在读取。</translation>
    </message>
    <message>
        <source>Programs that read it now: {clients}.</source>
        <translation>正在读取的程序：{clients} 个。</translation>
    </message>
    <message>
        <source>Server-sent events, for this machine alone. {readers}</source>
        <translation>服务器发送事件（SSE），仅限本机。{readers}</translation>
    </message>
    <message>
        <source>Connected to the broker, or connecting.</source>
        <translation>已连接到代理，或正在连接。</translation>
    </message>
    <message>
        <source>The file is kept up to date.</source>
        <translation>文件保持最新。</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>正在保存…</translation>
    </message>
    <message>
        <source>Completing the recording</source>
        <translation>正在完成录制</translation>
    </message>
    <message>
        <source>The recording is being completed</source>
        <translation>正在完成录制</translation>
    </message>
    <message>
        <source>Stop recording, {words}</source>
        <translation>停止录制，{words}</translation>
    </message>
    <message>
        <source>Stop recording</source>
        <translation>停止录制</translation>
    </message>
    <message>
        <source>Record the overlay too</source>
        <translation>同时录制叠加内容</translation>
    </message>
    <message>
        <source>Keep the last 30 seconds</source>
        <translation>保留最近 30 秒</translation>
    </message>
    <message>
        <source>Folder for recordings…</source>
        <translation>录制文件夹…</translation>
    </message>
    <message>
        <source>There is nothing to record yet. Open a source first.</source>
        <translation>还没有可录制的内容。请先打开来源。</translation>
    </message>
    <message>
        <source>The recording is dropping pictures: the disk or processor is slower than the source.</source>
        <translation>录制正在丢弃画面：磁盘或处理器比来源慢。</translation>
    </message>
    <message>
        <source>switch on File &gt; Recording options &gt; Keep the last 30 seconds</source>
        <translation>请开启“文件 &gt; 录制选项 &gt; 保留最近 30 秒”</translation>
    </message>
    <message>
        <source>no picture arrived</source>
        <translation>没有收到画面</translation>
    </message>
    <message>
        <source>There is nothing to save yet: {why}.</source>
        <translation>还没有可保存的内容：{why}。</translation>
    </message>
    <message>
        <source>Saving the last {seconds} s…</source>
        <translation>正在保存最近 {seconds} 秒…</translation>
    </message>
    <message>
        <source> More does not fit into {limit_bytes} of memory.</source>
        <translation>更多内容超出 {limit_bytes} 内存。</translation>
    </message>
    <message>
        <source>Saved the last {seconds} s as {name}.{more}</source>
        <translation>已将最近 {seconds} 秒保存为 {name}。{more}</translation>
    </message>
    <message>
        <source>Folder for recordings</source>
        <translation>录制文件夹</translation>
    </message>
    <message>
        <source>Recorded {elapsed_s} as {name} ({size}).</source>
        <translation>已将 {elapsed_s} 录制为 {name}（{size}）。</translation>
    </message>
    <message>
        <source>The rule&apos;s previous action is still running.</source>
        <translation>该规则的上一次操作仍在运行。</translation>
    </message>
    <message>
        <source>A rule could not be carried out because of an unexpected error.</source>
        <translation>由于意外错误，无法执行规则。</translation>
    </message>
    <message>
        <source>{action}, seen for {seen_s} s ({score})</source>
        <translation>{action}，已持续 {seen_s} 秒（{score}）</translation>
    </message>
    <message>
        <source>Rule: {value}.</source>
        <translation>规则：{value}。</translation>
    </message>
    <message>
        <source>Any action</source>
        <translation>任意动作</translation>
    </message>
    <message>
        <source>No rules yet. Add one to be notified when an action is seen.</source>
        <translation>还没有规则。添加一条，即可在看到动作时收到通知。</translation>
    </message>
    <message>
        <source>Rules</source>
        <translation>规则</translation>
    </message>
    <message>
        <source>Rules are on</source>
        <translation>启用规则</translation>
    </message>
    <message>
        <source>Switch all rules on or off</source>
        <translation>开启或关闭所有规则</translation>
    </message>
    <message>
        <source>The rules; the checkbox turns a rule on or off</source>
        <translation>规则；复选框用于开启或关闭规则</translation>
    </message>
    <message>
        <source>Add a rule</source>
        <translation>添加规则</translation>
    </message>
    <message>
        <source>Add a rule (Insert)</source>
        <translation>添加规则 (Insert)</translation>
    </message>
    <message>
        <source>Remove the rule</source>
        <translation>移除规则</translation>
    </message>
    <message>
        <source>Remove the selected rule</source>
        <translation>移除所选规则</translation>
    </message>
    <message>
        <source>The action to wait for: choose one, or type a part of its name</source>
        <translation>要等待的动作：选择一个，或输入其名称的一部分</translation>
    </message>
    <message>
        <source>Minimum score of the action</source>
        <translation>动作的最低分数</translation>
    </message>
    <message>
        <source>the picture</source>
        <translation>画面</translation>
    </message>
    <message>
        <source>Done by</source>
        <translation>由谁完成</translation>
    </message>
    <message>
        <source>How many people must do it at the same time; 0 is the action of the picture as a whole</source>
        <translation>必须同时做的人数；0 表示整个画面的动作</translation>
    </message>
    <message>
        <source>Seen for</source>
        <translation>持续时间</translation>
    </message>
    <message>
        <source>How long the action must be seen without interruption</source>
        <translation>动作必须不间断出现多长时间</translation>
    </message>
    <message>
        <source>Then quiet for</source>
        <translation>随后静默</translation>
    </message>
    <message>
        <source>After firing, the rule does not fire again for this long</source>
        <translation>触发后，在此时间内不再触发</translation>
    </message>
    <message>
        <source>Desktop notification</source>
        <translation>桌面通知</translation>
    </message>
    <message>
        <source>A desktop notification; if the system has none, the window shows the message</source>
        <translation>桌面通知；如果系统没有，则由窗口显示消息</translation>
    </message>
    <message>
        <source>Sound</source>
        <translation>声音</translation>
    </message>
    <message>
        <source>The system&apos;s alert sound; some systems have it switched off</source>
        <translation>系统提示音；有些系统将其关闭</translation>
    </message>
    <message>
        <source>e.g. /home/ada/lamp.sh on</source>
        <translation>例如 /home/ada/lamp.sh on</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>A program and its arguments; it gets the event as JSON on standard input and in SLOWFAST_LIVE_* variables</source>
        <translation>程序及其参数；通过标准输入以 JSON 以及 SLOWFAST_LIVE_* 变量接收事件</translation>
    </message>
    <message>
        <source>e.g. https://example.org/hook</source>
        <translation>例如 https://example.org/hook</translation>
    </message>
    <message>
        <source>Web address</source>
        <translation>网址</translation>
    </message>
    <message>
        <source>The event is sent there as JSON (HTTP POST); nothing else is ever sent</source>
        <translation>事件以 JSON 发送到该处（HTTP POST）；不会发送其他任何内容</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>测试</translation>
    </message>
    <message>
        <source>Test the rule</source>
        <translation>测试规则</translation>
    </message>
    <message>
        <source>Carry out the rule now</source>
        <translation>立即执行规则</translation>
    </message>
    <message>
        <source>When</source>
        <translation>当</translation>
    </message>
    <message>
        <source>is done by</source>
        <translation>由</translation>
    </message>
    <message>
        <source>with a score of at least</source>
        <translation>分数不低于</translation>
    </message>
    <message>
        <source>for</source>
        <translation>持续</translation>
    </message>
    <message>
        <source>notify me by</source>
        <translation>通知方式</translation>
    </message>
    <message>
        <source>run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>post to</source>
        <translation>发送到</translation>
    </message>
    <message>
        <source>then stay quiet for</source>
        <translation>随后静默</translation>
    </message>
    <message>
        <source>Close; the rules are saved (Esc)</source>
        <translation>关闭；规则已保存 (Esc)</translation>
    </message>
    <message>
        <source>The command cannot be read: {error}</source>
        <translation>无法解析命令：{error}</translation>
    </message>
    <message>
        <source>{problem}. The rule was not changed.</source>
        <translation>{problem}。规则未更改。</translation>
    </message>
    <message>
        <source>Trying…</source>
        <translation>正在尝试…</translation>
    </message>
    <message>
        <source>Done.</source>
        <translation>完成。</translation>
    </message>
    <message>
        <source>Sessions (*{suffix})</source>
        <translation>会话 (*{suffix})</translation>
    </message>
    <message>
        <source>“{name}” deleted</source>
        <translation>已删除“{name}”</translation>
    </message>
    <message>
        <source>{sessions} sessions deleted</source>
        <translation>已删除 {sessions} 个会话</translation>
    </message>
    <message>
        <source>Open a session</source>
        <translation>打开会话</translation>
    </message>
    <message>
        <source>{path} has changed since this session was saved.</source>
        <translation>{path} 自此会话保存后已更改。</translation>
    </message>
    <message>
        <source>The events may not match. Use this file, find another, or show only the events.</source>
        <translation>事件可能不匹配。可使用此文件、查找其他文件，或只显示事件。</translation>
    </message>
    <message>
        <source>Use this file</source>
        <translation>使用此文件</translation>
    </message>
    <message>
        <source>The video {name} is not at {known}.</source>
        <translation>视频 {name} 不在 {known}。</translation>
    </message>
    <message>
        <source>The video {name} is not here.</source>
        <translation>视频 {name} 不在这里。</translation>
    </message>
    <message>
        <source>Find it, or show the events without it.</source>
        <translation>请找到它，或在没有它的情况下显示事件。</translation>
    </message>
    <message>
        <source>Find the video…</source>
        <translation>查找视频…</translation>
    </message>
    <message>
        <source>Show the events</source>
        <translation>显示事件</translation>
    </message>
    <message>
        <source>Find {name}</source>
        <translation>查找 {name}</translation>
    </message>
    <message>
        <source>There is no session to save yet. Open a source first.</source>
        <translation>还没有可保存的会话。请先打开来源。</translation>
    </message>
    <message>
        <source>Save session</source>
        <translation>保存会话</translation>
    </message>
    <message>
        <source>Saved {written}</source>
        <translation>已保存 {written}</translation>
    </message>
    <message>
        <source>Record all sources</source>
        <translation>录制所有来源</translation>
    </message>
    <message>
        <source>Stop all recordings</source>
        <translation>停止所有录制</translation>
    </message>
    <message>
        <source>Edits cannot be saved</source>
        <translation>无法保存编辑</translation>
    </message>
    <message>
        <source>Your edits of {names} cannot be saved.</source>
        <translation>无法保存您对 {names} 的编辑。</translation>
    </message>
    <message>
        <source>{model} on {device}: {all} predictions/s for {sources} sources, {least} to {most} each</source>
        <translation>{device} 上的 {model}：{sources} 个来源共 {all} 次预测/秒，每个 {least} 到 {most} 次</translation>
    </message>
    <message>
        <source>Save as a file…</source>
        <translation>另存为文件…</translation>
    </message>
    <message>
        <source>Quit without saving</source>
        <translation>不保存并退出</translation>
    </message>
    <message>
        <source>Stay</source>
        <translation>留下</translation>
    </message>
    <message>
        <source>Earlier edits of {name} cannot be read: {message}</source>
        <translation>无法读取对 {name} 的以前的编辑：{message}</translation>
    </message>
    <message>
        <source>{name} has changed since its events were edited. The edits are still in the list of sessions.</source>
        <translation>{name} 自其事件被编辑后已更改。这些编辑仍在会话列表中。</translation>
    </message>
    <message>
        <source>Your edits of {names} cannot be saved: {error} They stay in this window, and saving is tried again. To be safe, save the session as a file elsewhere.</source>
        <translation>无法保存您对 {names} 的编辑：{error} 它们保留在此窗口中，并会再次尝试保存。为安全起见，请将会话另存为其他位置的文件。</translation>
    </message>
    <message>
        <source>Last used</source>
        <translation>上次使用</translation>
    </message>
    <message>
        <source>Edits</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>{name} · file not found</source>
        <translation>{name} · 找不到文件</translation>
    </message>
    <message>
        <source>Sessions</source>
        <translation>会话</translation>
    </message>
    <message>
        <source>Filter the sessions</source>
        <translation>筛选会话</translation>
    </message>
    <message>
        <source>Part of a source&apos;s or a session&apos;s name</source>
        <translation>来源或会话名称的一部分</translation>
    </message>
    <message>
        <source>No sessions yet.
What is recognized and your edits are saved here automatically.</source>
        <translation>还没有会话。
识别结果和您的编辑会自动保存在这里。</translation>
    </message>
    <message>
        <source>Open the session (Enter)</source>
        <translation>打开会话 (Enter)</translation>
    </message>
    <message>
        <source>Rename the session (F2)</source>
        <translation>重命名会话 (F2)</translation>
    </message>
    <message>
        <source>Save as file…</source>
        <translation>另存为文件…</translation>
    </message>
    <message>
        <source>Save the session as a file, to share it</source>
        <translation>将会话保存为文件以便分享</translation>
    </message>
    <message>
        <source>Delete the selected sessions (Delete)</source>
        <translation>删除所选会话 (Delete)</translation>
    </message>
    <message>
        <source>Delete all</source>
        <translation>全部删除</translation>
    </message>
    <message>
        <source>Delete all sessions</source>
        <translation>删除所有会话</translation>
    </message>
    <message>
        <source>Enter opens a session, F2 renames it, Delete deletes it</source>
        <translation>Enter 打开会话，F2 重命名，Delete 删除</translation>
    </message>
    <message>
        <source>{value} · &lt;a href=&quot;undo&quot;&gt;Undo&lt;/a&gt;</source>
        <translation>{value} · &lt;a href=&quot;undo&quot;&gt;撤销&lt;/a&gt;</translation>
    </message>
    <message>
        <source>Rename the session</source>
        <translation>重命名会话</translation>
    </message>
    <message>
        <source>Name (empty for the source&apos;s name):</source>
        <translation>名称（留空则为来源名称）：</translation>
    </message>
    <message>
        <source>1 edit</source>
        <translation>1 处编辑</translation>
    </message>
    <message>
        <source>{edit_count} edits</source>
        <translation>{edit_count} 处编辑</translation>
    </message>
    <message>
        <source>Sessions are not saved in this run.</source>
        <translation>本次运行不保存会话。</translation>
    </message>
    <message>
        <source>Sessions are stored in &lt;a href=&quot;folder&quot;&gt;{folder}&lt;/a&gt;, only on this computer: recognized events and your edits, but no pictures and no sound. Those without edits and without a name are removed after {MAX_UNEDITED_DAYS} days, or when there are more than {MAX_UNEDITED} or {MAX_UNEDITED_BYTES} MB of them. Edited ones stay until you delete them.</source>
        <translation>会话只保存在本机的 &lt;a href=&quot;folder&quot;&gt;{folder}&lt;/a&gt; 中：识别出的事件和您的编辑，不含画面和声音。没有编辑也没有名称的会话会在 {MAX_UNEDITED_DAYS} 天后，或超过 {MAX_UNEDITED} 个或 {MAX_UNEDITED_BYTES} MB 时移除。编辑过的会保留到您删除为止。</translation>
    </message>
    <message>
        <source>Open a video</source>
        <translation>打开视频</translation>
    </message>
    <message>
        <source>Open a folder of images</source>
        <translation>打开图片文件夹</translation>
    </message>
    <message>
        <source>Frames per second of {name}</source>
        <translation>{name} 的每秒帧数</translation>
    </message>
    <message>
        <source>Open a stream</source>
        <translation>打开流</translation>
    </message>
    <message>
        <source>URL of the stream, e.g. rtsp://192.168.1.20/stream</source>
        <translation>流的 URL，例如 rtsp://192.168.1.20/stream</translation>
    </message>
    <message>
        <source>No files yet. Add some, or drop several files on the window: they play one after the other.</source>
        <translation>还没有文件。请添加，或将多个文件拖放到窗口上：它们会依次播放。</translation>
    </message>
    <message>
        <source>Queue of files</source>
        <translation>文件队列</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>The files in the order of playing; Enter plays one, Delete removes it</source>
        <translation>按播放顺序排列的文件；Enter 播放，Delete 移除</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Play the selected file (Enter)</source>
        <translation>播放所选文件 (Enter)</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Play the selected file earlier (Alt+Up)</source>
        <translation>提前播放所选文件 (Alt+Up)</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Play the selected file later (Alt+Down)</source>
        <translation>推后播放所选文件 (Alt+Down)</translation>
    </message>
    <message>
        <source>Take the selected file off the list; the file itself stays (Delete)</source>
        <translation>将所选文件移出列表；文件本身保留 (Delete)</translation>
    </message>
    <message>
        <source>Add files at the end</source>
        <translation>在末尾添加文件</translation>
    </message>
    <message>
        <source>Close the list; the queue goes on (Esc)</source>
        <translation>关闭列表；队列继续 (Esc)</translation>
    </message>
    <message>
        <source>{name}, playing</source>
        <translation>{name}，正在播放</translation>
    </message>
    <message>
        <source>Add videos to the queue</source>
        <translation>将视频添加到队列</translation>
    </message>
    <message>
        <source>On this system only whole screens and regions can be watched.</source>
        <translation>此系统上只能观看整个屏幕和区域。</translation>
    </message>
    <message>
        <source>No other window is open.</source>
        <translation>没有打开其他窗口。</translation>
    </message>
    <message>
        <source>Watch the screen</source>
        <translation>观看屏幕</translation>
    </message>
    <message>
        <source>A screen</source>
        <translation>屏幕</translation>
    </message>
    <message>
        <source>A window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>Watch a screen, or a part of it</source>
        <translation>观看屏幕或其一部分</translation>
    </message>
    <message>
        <source>Watch one window, wherever it is moved; what covers it is seen, too</source>
        <translation>观看一个窗口，无论移到哪里；遮挡它的内容也会被看到</translation>
    </message>
    <message>
        <source>Screen</source>
        <translation>屏幕</translation>
    </message>
    <message>
        <source>The screen to watch</source>
        <translation>要观看的屏幕</translation>
    </message>
    <message>
        <source>Only a region:</source>
        <translation>仅区域：</translation>
    </message>
    <message>
        <source>Only a region</source>
        <translation>仅区域</translation>
    </message>
    <message>
        <source>Watch a part of the screen</source>
        <translation>观看屏幕的一部分</translation>
    </message>
    <message>
        <source>left, top, width, height</source>
        <translation>左，上，宽，高</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>区域</translation>
    </message>
    <message>
        <source>Left, top, width and height in pixels of the screen, e.g. 0, 100, 800, 600</source>
        <translation>左、上、宽、高，以屏幕像素计，例如 0, 100, 800, 600</translation>
    </message>
    <message>
        <source>Windows</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>The windows, the one on top first; Enter watches one</source>
        <translation>窗口列表，最上层的在前；Enter 观看</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新查找</translation>
    </message>
    <message>
        <source>List the screens and windows again (F5)</source>
        <translation>重新列出屏幕和窗口 (F5)</translation>
    </message>
    <message>
        <source>Watch</source>
        <translation>观看</translation>
    </message>
    <message>
        <source>Watch what is selected</source>
        <translation>观看所选内容</translation>
    </message>
    <message>
        <source>Change nothing (Esc)</source>
        <translation>不作更改 (Esc)</translation>
    </message>
    <message>
        <source>A region is given as left, top, width, height: for example 0, 100, 800, 600.</source>
        <translation>区域按左、上、宽、高给出，例如 0, 100, 800, 600。</translation>
    </message>
    <message>
        <source>The actions that the running model recognizes</source>
        <translation>正在运行的模型所识别的动作</translation>
    </message>
    <message>
        <source>The picture is dark: turn on a light, best in front of you.</source>
        <translation>画面太暗：请开灯，最好在您前方。</translation>
    </message>
    <message>
        <source>The camera moves: put it down, so that only you move.</source>
        <translation>摄像头在动：请放稳，让只有人在动。</translation>
    </message>
    <message>
        <source>Nobody moves in the picture: stand where the camera sees all of you.</source>
        <translation>画面中没有人在动：请站到摄像头能看到全身的位置。</translation>
    </message>
    <message>
        <source>You are cut off: step back until your whole body is in the picture.</source>
        <translation>身体被截断：请后退，直到全身都在画面中。</translation>
    </message>
    <message>
        <source>What is done here may not be among the {actions} actions that the model knows.</source>
        <translation>这里的动作可能不在模型认识的 {actions} 个动作之中。</translation>
    </message>
    <message>
        <source>Nothing recognized yet. {value}</source>
        <translation>还没有识别出任何动作。{value}</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>Open a video…</source>
        <translation>打开视频…</translation>
    </message>
    <message>
        <source>Demo</source>
        <translation>演示</translation>
    </message>
    <message>
        <source>Screen…</source>
        <translation>屏幕…</translation>
    </message>
    <message>
        <source>All of you in the picture, two to four meters away</source>
        <translation>全身在画面中，距离两到四米</translation>
    </message>
    <message>
        <source>Light on you, not behind you</source>
        <translation>光从前方照来，不要在身后</translation>
    </message>
    <message>
        <source>One person, and a camera that stands still</source>
        <translation>一个人，摄像头保持不动</translation>
    </message>
    <message>
        <source>What it recognizes</source>
        <translation>能识别的动作</translation>
    </message>
    <message>
        <source>Close this card (Esc); Help shows it again</source>
        <translation>关闭此卡片 (Esc)；可从“帮助”再次打开</translation>
    </message>
    <message>
        <source>Recognize 400 actions…</source>
        <translation>识别 400 种动作…</translation>
    </message>
    <message>
        <source>Start card</source>
        <translation>开始卡片</translation>
    </message>
    <message>
        <source>{counted} that one person does, by {model}.</source>
        <translation>{model} 识别单人完成的 {counted}。</translation>
    </message>
    <message>
        <source>No model is running yet.</source>
        <translation>还没有正在运行的模型。</translation>
    </message>
    <message>
        <source>{count} action</source>
        <translation>{count} 个动作</translation>
    </message>
    <message>
        <source>{count} actions</source>
        <translation>{count} 个动作</translation>
    </message>
    <message>
        <source>{count} event</source>
        <translation>{count} 个事件</translation>
    </message>
    <message>
        <source>{count} events</source>
        <translation>{count} 个事件</translation>
    </message>
    <message>
        <source>{count} model</source>
        <translation>{count} 个模型</translation>
    </message>
    <message>
        <source>{count} models</source>
        <translation>{count} 个模型</translation>
    </message>
    <message>
        <source>{count} session</source>
        <translation>{count} 个会话</translation>
    </message>
    <message>
        <source>{count} sessions</source>
        <translation>{count} 个会话</translation>
    </message>
    <message>
        <source>{count} repetition</source>
        <translation>重复 {count} 次</translation>
    </message>
    <message>
        <source>{count} repetitions</source>
        <translation>重复 {count} 次</translation>
    </message>
    <message>
        <source>{count} edit</source>
        <translation>{count} 处编辑</translation>
    </message>
    <message>
        <source>{count} edits</source>
        <translation>{count} 处编辑</translation>
    </message>
    <message>
        <source>1 picture was dropped</source>
        <translation>丢弃了 1 帧</translation>
    </message>
    <message>
        <source>{count} pictures were dropped</source>
        <translation>丢弃了 {count} 帧</translation>
    </message>
    <message>
        <source>{predictions_per_s} predictions/s</source>
        <translation>{predictions_per_s} 次预测/秒</translation>
    </message>
    <message>
        <source>Camera: {name}</source>
        <translation>摄像头：{name}</translation>
    </message>
    <message>
        <source>Stream: {source}</source>
        <translation>流：{source}</translation>
    </message>
    <message>
        <source>Demo clip</source>
        <translation>演示片段</translation>
    </message>
    <message>
        <source>looking…</source>
        <translation>观察中…</translation>
    </message>
    <message>
        <source>untrained model</source>
        <translation>未训练的模型</translation>
    </message>
    <message>
        <source>no confident action</source>
        <translation>没有确定的动作</translation>
    </message>
    <message>
        <source>Following {person_name}. Click again to stop.</source>
        <translation>正在跟随 {person_name}。再次单击可停止。</translation>
    </message>
    <message>
        <source>{count} people, each recognized every {every_s} s</source>
        <translation>{count} 人，每 {every_s} 秒识别一次</translation>
    </message>
    <message>
        <source>{count} people</source>
        <translation>{count} 人</translation>
    </message>
    <message>
        <source>no model</source>
        <translation>无模型</translation>
    </message>
    <message>
        <source>no model yet</source>
        <translation>尚无模型</translation>
    </message>
    <message>
        <source>no picture</source>
        <translation>无画面</translation>
    </message>
    <message>
        <source>warming up</source>
        <translation>正在预热</translation>
    </message>
    <message>
        <source>none of the known actions</source>
        <translation>不是已知动作</translation>
    </message>
    <message>
        <source>untrained model: scores are meaningless</source>
        <translation>未训练的模型：分数没有意义</translation>
    </message>
    <message>
        <source>the model does not answer</source>
        <translation>模型没有响应</translation>
    </message>
    <message>
        <source>not recognized yet</source>
        <translation>尚未识别</translation>
    </message>
    <message>
        <source>too short to recognize</source>
        <translation>太短，无法识别</translation>
    </message>
    <message>
        <source>idle, resting</source>
        <translation>空闲，休息中</translation>
    </message>
    <message>
        <source>nobody in the picture</source>
        <translation>画面中没有人</translation>
    </message>
    <message>
        <source>recognition pauses</source>
        <translation>识别已暂停</translation>
    </message>
    <message>
        <source>A small SlowFast for everyday actions, trained only on rendered people.</source>
        <translation>识别日常动作的小型 SlowFast，仅用渲染的人物训练。</translation>
    </message>
    <message>
        <source>Trained by this project on clips that it rendered itself.</source>
        <translation>由本项目用自行渲染的片段训练。</translation>
    </message>
    <message>
        <source>Person {number}</source>
        <translation>人物 {number}</translation>
    </message>
    <message>
        <source>reconnecting ({number})</source>
        <translation>正在重新连接（{number}）</translation>
    </message>
    <message>
        <source>Preparing {model} for {device}</source>
        <translation>正在为 {device} 准备 {model}</translation>
    </message>
    <message>
        <source>{title} cannot be prepared for {device} because of an unexpected error.</source>
        <translation>由于意外错误，无法为 {device} 准备 {title}。</translation>
    </message>
    <message>
        <source>{person}: {change}</source>
        <translation>{person}：{change}</translation>
    </message>
    <message>
        <source>“{before}” renamed to “{name}”</source>
        <translation>“{before}”已重命名为“{name}”</translation>
    </message>
    <message>
        <source>all “{label}” renamed to “{name}”</source>
        <translation>所有“{label}”已重命名为“{name}”</translation>
    </message>
    <message>
        <source>{count} events deleted</source>
        <translation>已删除 {count} 个事件</translation>
    </message>
    <message>
        <source>“{label}” deleted</source>
        <translation>已删除“{label}”</translation>
    </message>
    <message>
        <source>“{label}” added</source>
        <translation>已添加“{label}”</translation>
    </message>
    <message>
        <source>“{label}” moved</source>
        <translation>已移动“{label}”</translation>
    </message>
    <message>
        <source>Finish the session…</source>
        <translation>结束会话…</translation>
    </message>
    <message>
        <source>There is nothing to look at yet: open a source first.</source>
        <translation>还没有可看的内容：请先打开来源。</translation>
    </message>
    <message>
        <source>There is nothing to sum up yet.</source>
        <translation>还没有可汇总的内容。</translation>
    </message>
    <message>
        <source>From a recording</source>
        <translation>来自录像</translation>
    </message>
    <message>
        <source>{begin} to {end}, {length}</source>
        <translation>{begin} 至 {end}，{length}</translation>
    </message>
    <message>
        <source>No action was recognized in this time.</source>
        <translation>这段时间内没有识别出动作。</translation>
    </message>
    <message>
        <source>{actions} in {events}; something was done for {length} ({share} of the time).</source>
        <translation>{actions}，{events}；有动作的时间为 {length}（占 {share}）。</translation>
    </message>
    <message>
        <source>Times</source>
        <translation>次数</translation>
    </message>
    <message>
        <source>In all</source>
        <translation>合计</translation>
    </message>
    <message>
        <source>Longest</source>
        <translation>最长</translation>
    </message>
    <message>
        <source>First at</source>
        <translation>首次</translation>
    </message>
    <message>
        <source>Recognized by SlowFast Live with {model}. A model can be wrong: scores and corrections are in the list of events.</source>
        <translation>由 SlowFast Live 使用 {model} 识别。模型可能出错：分数和更正见事件列表。</translation>
    </message>
    <message>
        <source>Web page (*.html)</source>
        <translation>网页 (*.html)</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>摘要</translation>
    </message>
    <message>
        <source>What was done from the start to the end</source>
        <translation>从开始到结束所做的动作</translation>
    </message>
    <message>
        <source>Print…</source>
        <translation>打印…</translation>
    </message>
    <message>
        <source>Print this page</source>
        <translation>打印此页</translation>
    </message>
    <message>
        <source>Save…</source>
        <translation>保存…</translation>
    </message>
    <message>
        <source>Save this page as PDF or as a web page</source>
        <translation>将此页保存为 PDF 或网页</translation>
    </message>
    <message>
        <source>Close this page (Esc)</source>
        <translation>关闭此页 (Esc)</translation>
    </message>
    <message>
        <source>Print the summary</source>
        <translation>打印摘要</translation>
    </message>
    <message>
        <source>Save the summary</source>
        <translation>保存摘要</translation>
    </message>
    <message>
        <source>{stem} summary</source>
        <translation>{stem} 摘要</translation>
    </message>
    <message>
        <source>The summary cannot be saved to {path}: {error}</source>
        <translation>无法将摘要保存到 {path}：{error}</translation>
    </message>
    <message>
        <source>{value} cannot be shown</source>
        <translation>无法显示 {value}</translation>
    </message>
    <message>
        <source>The source</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Choose another source, or drop a video here.</source>
        <translation>请选择其他来源，或将视频拖放到此处。</translation>
    </message>
    <message>
        <source>Opening {name}…</source>
        <translation>正在打开 {name}…</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>Nothing is open</source>
        <translation>没有打开任何内容</translation>
    </message>
    <message>
        <source>Choose a source, or drop a video here. To build models: {keys} or {command}</source>
        <translation>请选择来源，或将视频拖放到此处。构建模型：{keys} 或 {command}</translation>
    </message>
    <message>
        <source>{name} cannot be shown</source>
        <translation>无法显示 {name}</translation>
    </message>
    <message>
        <source>{name} does not answer.</source>
        <translation>{name} 没有响应。</translation>
    </message>
    <message>
        <source>{name} has sent nothing for {silent_s} s.</source>
        <translation>{name} 已有 {silent_s} 秒没有发送任何内容。</translation>
    </message>
    <message>
        <source>Ended</source>
        <translation>已结束</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Choose another model or device above.</source>
        <translation>请在上方选择其他模型或设备。</translation>
    </message>
    <message>
        <source>The file is too short: it covers {coverage} of what the model needs.</source>
        <translation>文件太短：只有模型所需的 {coverage}。</translation>
    </message>
    <message>
        <source>Nothing moves. The model resumes as soon as something does.</source>
        <translation>没有动静。一有动静，模型就会继续。</translation>
    </message>
    <message>
        <source>Play this part to recognize it.</source>
        <translation>播放此部分即可识别。</translation>
    </message>
    <message>
        <source>Choose one above, or build one: {keys}, or {command}</source>
        <translation>请在上方选择，或构建一个：{keys} 或 {command}</translation>
    </message>
    <message>
        <source>This machine is being measured; the model resumes afterward.</source>
        <translation>正在测试这台电脑；之后模型会继续。</translation>
    </message>
    <message>
        <source>Esc leaves the full screen</source>
        <translation>按 Esc 退出全屏</translation>
    </message>
    <message>
        <source>There is no picture to save yet.</source>
        <translation>还没有可保存的画面。</translation>
    </message>
    <message>
        <source>There is no picture to copy yet.</source>
        <translation>还没有可复制的画面。</translation>
    </message>
    <message>
        <source>The picture was copied.</source>
        <translation>画面已复制。</translation>
    </message>
    <message>
        <source>The snapshot cannot be saved to {folder}: {value}.</source>
        <translation>无法将快照保存到 {folder}：{value}。</translation>
    </message>
    <message>
        <source>Playback speed ({keys} slower, {other_keys} faster)</source>
        <translation>播放速度（{keys} 减速，{other_keys} 加速）</translation>
    </message>
    <message>
        <source>Collapse the timeline</source>
        <translation>收起时间线</translation>
    </message>
    <message>
        <source>● Live</source>
        <translation>● 实时</translation>
    </message>
    <message>
        <source>Live source</source>
        <translation>实时来源</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>slow</source>
        <translation>慢</translation>
    </message>
    <message>
        <source>fast</source>
        <translation>快</translation>
    </message>
    <message>
        <source>The explanation failed unexpectedly.</source>
        <translation>解释意外失败。</translation>
    </message>
    <message>
        <source>over {seconds} s</source>
        <translation>{seconds} 秒内</translation>
    </message>
    <message>
        <source>{top1} % right at first guess on Kinetics-400</source>
        <translation>在 Kinetics-400 上首选正确率 {top1} %</translation>
    </message>
    <message>
        <source>set up</source>
        <translation>已设置</translation>
    </message>
    <message>
        <source>about {download_mb} MB to download</source>
        <translation>约需下载 {download_mb} MB</translation>
    </message>
    <message>
        <source>then about {minutes} min</source>
        <translation>随后约 {minutes} 分钟</translation>
    </message>
    <message>
        <source>about one prediction in {value} seconds here</source>
        <translation>在此约每 {value} 秒一次预测</translation>
    </message>
    <message>
        <source>about {per_s} predictions a second here</source>
        <translation>在此每秒约 {per_s} 次预测</translation>
    </message>
    <message>
        <source>Installing the build tools.</source>
        <translation>正在安装构建工具。</translation>
    </message>
    <message>
        <source>Installing the build tools ended early: {how}.</source>
        <translation>构建工具的安装提前结束：{how}。</translation>
    </message>
    <message>
        <source>Fetching {title}.</source>
        <translation>正在获取 {title}。</translation>
    </message>
    <message>
        <source>Downloading {message}.</source>
        <translation>正在下载 {message}。</translation>
    </message>
    <message>
        <source>Unpacking {name}.</source>
        <translation>正在解压 {name}。</translation>
    </message>
    <message>
        <source>The archive cannot be read: {error}.</source>
        <translation>无法读取归档文件：{error}。</translation>
    </message>
    <message>
        <source>Looking for the new model.</source>
        <translation>正在查找新模型。</translation>
    </message>
    <message>
        <source>Measuring which form is fastest here. Recognition pauses meanwhile.</source>
        <translation>正在测试哪种形式在此最快。期间识别暂停。</translation>
    </message>
    <message>
        <source>Measuring {value}.</source>
        <translation>正在测试 {value}。</translation>
    </message>
    <message>
        <source>Now {actions} actions are recognized, with {title} on {device}.</source>
        <translation>现在使用 {title} 在 {device} 上识别 {actions} 种动作。</translation>
    </message>
    <message>
        <source> It makes {per_s} predictions a second here.</source>
        <translation> 在此每秒预测 {per_s} 次。</translation>
    </message>
    <message>
        <source> That is slow: a smaller network would follow better.</source>
        <translation> 速度较慢：更小的网络跟得更好。</translation>
    </message>
    <message>
        <source>Canceled. What is done stays; it goes on from there.</source>
        <translation>已取消。已完成的部分会保留，之后从那里继续。</translation>
    </message>
    <message>
        <source>Why: {title}</source>
        <translation>依据：{title}</translation>
    </message>
    <message>
        <source>Repetitions</source>
        <translation>重复</translation>
    </message>
    <message>
        <source>{per_minute} a minute</source>
        <translation>每分钟 {per_minute} 次</translation>
    </message>
    <message>
        <source>000 a minute</source>
        <translation>每分钟 000 次</translation>
    </message>
    <message>
        <source>{tiles} sources</source>
        <translation>{tiles} 个来源</translation>
    </message>
    <message>
        <source>All sources</source>
        <translation>所有来源</translation>
    </message>
    <message>
        <source>Show all sources in a grid (Esc)</source>
        <translation>以网格显示所有来源 (Esc)</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>菜单</translation>
    </message>
    <message>
        <source>What concerns all sources</source>
        <translation>与所有来源有关的选项</translation>
    </message>
    <message>
        <source>Add an inference server</source>
        <translation>添加推理服务器</translation>
    </message>
    <message>
        <source>Address of OpenVINO Model Server or Triton that has this model.
For example {EXAMPLE}, or grpcs://HOST:PORT for an encrypted connection.</source>
        <translation>提供此模型的 OpenVINO Model Server 或 Triton 的地址。
例如 {EXAMPLE}，加密连接用 grpcs://HOST:PORT。</translation>
    </message>
    <message>
        <source>Countdown</source>
        <translation>倒计时</translation>
    </message>
    <message>
        <source>Click on the picture to stop</source>
        <translation>单击画面停止</translation>
    </message>
    <message>
        <source>There is no trained model to build on. Build one under Models….</source>
        <translation>没有可作为基础的已训练模型。请在“模型…”中构建一个。</translation>
    </message>
    <message>
        <source>There is no picture to take an example from. Choose a camera first.</source>
        <translation>没有可供录制示例的画面。请先选择摄像头。</translation>
    </message>
    <message>
        <source>Get ready: {action}</source>
        <translation>请准备：{action}</translation>
    </message>
    <message>
        <source>{action}: {seconds} s</source>
        <translation>{action}：{seconds} 秒</translation>
    </message>
    <message>
        <source>Examples of {value}</source>
        <translation>{value} 的示例</translation>
    </message>
    <message>
        <source>Videos ({join})</source>
        <translation>视频 ({join})</translation>
    </message>
    <message>
        <source>What a camera showed is not kept. Switch on File &gt; Recording options &gt; Keep the last 30 seconds, or take an example.</source>
        <translation>摄像头先前的画面没有保留。请打开“文件”&gt;“录制选项”&gt;“保留最近 30 秒”，或录制一个示例。</translation>
    </message>
    <message>
        <source>Nothing ran before that is not an action or an example already. Play on for a while.</source>
        <translation>之前没有既非动作也非示例的画面。请再播放一会儿。</translation>
    </message>
    <message>
        <source>This example was kept without its video.</source>
        <translation>此示例未保留视频。</translation>
    </message>
    <message>
        <source>No program for videos was found to play {path}.</source>
        <translation>未找到可播放 {path} 的视频程序。</translation>
    </message>
    <message>
        <source>“{title}” is taught. Choose it in the list of models.</source>
        <translation>“{title}”已教会。请在模型列表中选择。</translation>
    </message>
    <message>
        <source>“{name}” has no example yet and was left out: take two of it at least.</source>
        <translation>“{name}”还没有示例，已略过：请至少录制两个。</translation>
    </message>
    <message>
        <source> {more} more cannot be read either.</source>
        <translation> 另有 {more} 个也无法读取。</translation>
    </message>
    <message>
        <source>Share the model</source>
        <translation>分享模型</translation>
    </message>
    <message>
        <source>Models (*{SHARED_SUFFIX})</source>
        <translation>模型 (*{SHARED_SUFFIX})</translation>
    </message>
    <message>
        <source>Saved {file}</source>
        <translation>已保存 {file}</translation>
    </message>
    <message>
        <source>“{title}” was added to your models: {counted}.</source>
        <translation>已将“{title}”添加到您的模型：{counted}。</translation>
    </message>
    <message>
        <source>The model cannot be shared because of an unexpected error: {error}</source>
        <translation>由于意外错误，无法分享模型：{error}</translation>
    </message>
    <message>
        <source>My actions</source>
        <translation>我的动作</translation>
    </message>
    <message>
        <source>Reading the examples</source>
        <translation>正在读取示例</translation>
    </message>
    <message>
        <source>Learning what “{value}” looks like</source>
        <translation>正在学习“{value}”的样子</translation>
    </message>
    <message>
        <source>Reading {name}</source>
        <translation>正在读取 {name}</translation>
    </message>
    <message>
        <source>The example is kept, but not its video: {reason}</source>
        <translation>示例已保留，但视频未保留：{reason}</translation>
    </message>
    <message>
        <source>Learning</source>
        <translation>正在学习</translation>
    </message>
    <message>
        <source>This failed because of an unexpected error: {error}</source>
        <translation>由于意外错误而失败：{error}</translation>
    </message>
    <message>
        <source>A passage of this video</source>
        <translation>此视频的片段</translation>
    </message>
    <message>
        <source>Add the passage</source>
        <translation>添加片段</translation>
    </message>
    <message>
        <source>Here</source>
        <translation>此处</translation>
    </message>
    <message>
        <source>{name} here</source>
        <translation>此处为{name}</translation>
    </message>
    <message>
        <source>Take the time at which the video stands</source>
        <translation>使用视频当前的时间</translation>
    </message>
    <message>
        <source>Play to where “{action}” begins and ends, or type the times.</source>
        <translation>播放到“{action}”开始和结束处，或输入时间。</translation>
    </message>
    <message>
        <source>Write times as 1:23.4 or 1:02:03.</source>
        <translation>请按 1:23.4 或 1:02:03 的形式输入时间。</translation>
    </message>
    <message>
        <source>The passage ends before it begins, or lasts less than half a second.</source>
        <translation>片段在开始前结束，或不足半秒。</translation>
    </message>
    <message>
        <source>get ready</source>
        <translation>准备</translation>
    </message>
    <message>
        <source>Nothing leaves this machine. An example is kept as numbers and a small picture, not as a video.</source>
        <translation>任何内容都不会离开这台电脑。示例以数字和一张小图保存，而不是视频。</translation>
    </message>
    <message>
        <source>Nothing leaves this machine. New examples are kept as videos, too; double-click one to see it.</source>
        <translation>任何内容都不会离开此电脑。新示例也会保留为视频；双击即可观看。</translation>
    </message>
    <message>
        <source>Name an action, do it in front of the camera a few times, and let the model learn it.</source>
        <translation>为动作命名，在摄像头前做几次，然后让模型学习。</translation>
    </message>
    <message>
        <source>Teach actions</source>
        <translation>教授动作</translation>
    </message>
    <message>
        <source>Name of the model</source>
        <translation>模型名称</translation>
    </message>
    <message>
        <source>What the taught model is called in the list of models</source>
        <translation>所教模型在模型列表中的名称</translation>
    </message>
    <message>
        <source>New action</source>
        <translation>新动作</translation>
    </message>
    <message>
        <source>Name an action that the model should learn, e.g. nodding</source>
        <translation>输入模型要学习的动作名称，例如：点头</translation>
    </message>
    <message>
        <source>Add action</source>
        <translation>添加动作</translation>
    </message>
    <message>
        <source>Add this action to what is taught</source>
        <translation>将此动作加入所教内容</translation>
    </message>
    <message>
        <source>Mirror images count, too</source>
        <translation>镜像也算</translation>
    </message>
    <message>
        <source>Learn from mirror images as well. Turn this off for actions in which left and right matter</source>
        <translation>也从镜像画面学习。对于区分左右的动作请关闭</translation>
    </message>
    <message>
        <source>Keep the actions that the model knows already</source>
        <translation>保留模型已认识的动作</translation>
    </message>
    <message>
        <source>Keep its own actions</source>
        <translation>保留原有动作</translation>
    </message>
    <message>
        <source>Recognize the model&apos;s own actions as well as yours</source>
        <translation>同时识别模型原有的和您教的动作</translation>
    </message>
    <message>
        <source>Keep videos of new examples</source>
        <translation>保留新示例的视频</translation>
    </message>
    <message>
        <source>Keep each new example as a video beside its numbers; off, no video is kept</source>
        <translation>除数字外，还将每个新示例保留为视频；关闭则不保留视频</translation>
    </message>
    <message>
        <source>The actions that are taught</source>
        <translation>所教的动作</translation>
    </message>
    <message>
        <source>Examples</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>Examples of the chosen action; Delete removes the selected ones</source>
        <translation>所选动作的示例；Delete 移除选中的</translation>
    </message>
    <message>
        <source>How well it works</source>
        <translation>效果</translation>
    </message>
    <message>
        <source>A person detector finds everybody in the picture, whatever they do. Without one, regions that move are followed: who stands still is not found, and two who touch are one.</source>
        <translation>人物检测器能找到画面中的每个人，无论他们在做什么。没有它时，跟踪的是移动的区域：站着不动的人找不到，相互接触的两个人会被当成一个。</translation>
    </message>
    <message>
        <source>Person detector</source>
        <translation>人物检测器</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>What the program wrote</source>
        <translation>程序的输出</translation>
    </message>
    <message>
        <source>Show what the program wrote</source>
        <translation>显示程序的输出</translation>
    </message>
    <message>
        <source>Get it</source>
        <translation>获取</translation>
    </message>
    <message>
        <source>Fetch and convert the selected detector, and use it</source>
        <translation>获取并转换所选检测器，然后使用它</translation>
    </message>
    <message>
        <source>Without the internet: an ONNX, OpenVINO or TFLite file</source>
        <translation>无需联网：ONNX、OpenVINO 或 TFLite 文件</translation>
    </message>
    <message>
        <source>End it; incomplete files are removed</source>
        <translation>结束；不完整的文件会被删除</translation>
    </message>
    <message>
        <source>Close; fetching goes on (Esc)</source>
        <translation>关闭；获取会继续 (Esc)</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>at hand</source>
        <translation>已有</translation>
    </message>
    <message>
        <source>None: follow what moves</source>
        <translation>无：跟踪移动的区域</translation>
    </message>
    <message>
        <source>Motion</source>
        <translation>运动</translation>
    </message>
    <message>
        <source>People are found by {title} now.</source>
        <translation>现在由 {title} 找人。</translation>
    </message>
    <message>
        <source>What moves is followed.</source>
        <translation>跟踪移动的区域。</translation>
    </message>
    <message>
        <source>A detector is being fetched already.</source>
        <translation>已经在获取检测器。</translation>
    </message>
    <message>
        <source>A person detector on this machine</source>
        <translation>本机上的人物检测器</translation>
    </message>
    <message>
        <source>Networks ({endings})</source>
        <translation>网络 ({endings})</translation>
    </message>
    <message>
        <source>Take an example</source>
        <translation>录制示例</translation>
    </message>
    <message>
        <source>3 seconds to get ready, then 10 seconds of the action</source>
        <translation>准备 3 秒，然后做动作 10 秒</translation>
    </message>
    <message>
        <source>From this video…</source>
        <translation>从此视频…</translation>
    </message>
    <message>
        <source>From this video</source>
        <translation>从此视频</translation>
    </message>
    <message>
        <source>Use passages of the video that is shown</source>
        <translation>使用正在显示的视频的片段</translation>
    </message>
    <message>
        <source>Video files…</source>
        <translation>视频文件…</translation>
    </message>
    <message>
        <source>Video files</source>
        <translation>视频文件</translation>
    </message>
    <message>
        <source>Use whole video files; they can be dropped here as well</source>
        <translation>使用整个视频文件；也可拖放到此处</translation>
    </message>
    <message>
        <source>Use what ran before</source>
        <translation>使用之前的画面</translation>
    </message>
    <message>
        <source>Take what was shown and is no example of an action</source>
        <translation>取用已显示且不是动作示例的画面</translation>
    </message>
    <message>
        <source>Remove the selected examples, or the action</source>
        <translation>移除所选示例或动作</translation>
    </message>
    <message>
        <source>Restore the examples that were removed last</source>
        <translation>恢复上次移除的示例</translation>
    </message>
    <message>
        <source>Learn</source>
        <translation>学习</translation>
    </message>
    <message>
        <source>Learn from all examples, and test how well it works</source>
        <translation>从所有示例学习，并测试效果</translation>
    </message>
    <message>
        <source>Use it now</source>
        <translation>立即使用</translation>
    </message>
    <message>
        <source>Switch to the taught model</source>
        <translation>切换到所教的模型</translation>
    </message>
    <message>
        <source>Share…</source>
        <translation>分享…</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>分享</translation>
    </message>
    <message>
        <source>Save the taught model as one file for somebody else</source>
        <translation>将所教的模型保存为一个文件给他人</translation>
    </message>
    <message>
        <source>{count} examples of {value}</source>
        <translation>{value} 的 {count} 个示例</translation>
    </message>
    <message>
        <source>on {title}</source>
        <translation>基于 {title}</translation>
    </message>
    <message>
        <source>no model for these examples</source>
        <translation>没有适用于这些示例的模型</translation>
    </message>
    <message>
        <source>no trained model</source>
        <translation>没有训练好的模型</translation>
    </message>
    <message>
        <source>The examples were taken with this model. Remove all of them to choose another one</source>
        <translation>示例是用此模型录制的。若要选择其他模型，请全部移除</translation>
    </message>
    <message>
        <source>The model that sees the examples; a more accurate one learns better and is slower</source>
        <translation>观看示例的模型；更准确的模型学得更好，但更慢</translation>
    </message>
    <message>
        <source>Build on</source>
        <translation>基础模型</translation>
    </message>
    <message>
        <source>{length_s} s, not mirrored</source>
        <translation>{length_s} 秒，未镜像</translation>
    </message>
    <message>
        <source>{name}, {length_s} s from {source}</source>
        <translation>{name}，来自 {source} 的 {length_s} 秒</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>“{name}” is there already.</source>
        <translation>“{name}”已存在。</translation>
    </message>
    <message>
        <source>Give the action a name first.</source>
        <translation>请先为动作命名。</translation>
    </message>
    <message>
        <source>No example of “{label}” yet.
Take three or more, in different places or by different people.</source>
        <translation>还没有“{label}”的示例。
请在不同地点或由不同的人录制三个或更多。</translation>
    </message>
    <message>
        <source>Add an action first: type its name on the left.</source>
        <translation>请先添加动作：在左侧输入其名称。</translation>
    </message>
    <message>
        <source>No example of anything else yet.
What else happens in front of the camera? Sitting down, walking past, drinking: examples of it keep the model from taking everything for one of your actions.</source>
        <translation>还没有其他情况的示例。
摄像头前还会发生什么？坐下、走过、喝水：这些示例能避免模型把一切都当成您的动作。</translation>
    </message>
    <message>
        <source>Everything</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Whole picture</source>
        <translation>整个画面</translation>
    </message>
    <message>
        <source>All people</source>
        <translation>所有人物</translation>
    </message>
    <message>
        <source>Whose events</source>
        <translation>谁的事件</translation>
    </message>
    <message>
        <source>List only the events of one person, or those of the whole picture</source>
        <translation>只列出一个人物或整个画面的事件</translation>
    </message>
    <message>
        <source>{count} others</source>
        <translation>其他 {count} 人</translation>
    </message>
    <message>
        <source>any pose, on every machine</source>
        <translation>任何姿势，任何电脑</translation>
    </message>
    <message>
        <source>finds more, six times the work</source>
        <translation>找到更多，计算量为六倍</translation>
    </message>
    <message>
        <source>people seen whole</source>
        <translation>全身可见的人</translation>
    </message>
    <message>
        <source>smaller people, too</source>
        <translation>也能找到较小的人</translation>
    </message>
    <message>
        <source>Fetching the detector.</source>
        <translation>正在获取检测器。</translation>
    </message>
    <message>
        <source>Converting {name}.</source>
        <translation>正在转换 {name}。</translation>
    </message>
    <message>
        <source>Canceled. Nothing incomplete is left.</source>
        <translation>已取消。没有留下不完整的文件。</translation>
    </message>
    <message>
        <source>The build program ended early: {how}.</source>
        <translation>构建程序提前结束：{how}。</translation>
    </message>
    <message>
        <source>The detector was built into {folder}, where it is not looked for.</source>
        <translation>检测器已建在 {folder}，但那里不会被查找。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}.</source>
        <translation>无法读取 {path}：{reason}。</translation>
    </message>
    <message>
        <source>The inference server was lost: 1 prediction was made on this machine instead.</source>
        <translation>推理服务器断开：有 1 次预测改在本机完成。</translation>
    </message>
    <message>
        <source>The inference server was lost: {count} predictions were made on this machine instead.</source>
        <translation>推理服务器断开：有 {count} 次预测改在本机完成。</translation>
    </message>
    <message>
        <source>Nobody was found in the picture: the model scores what each person does.</source>
        <translation>画面中没有找到人：该模型对每个人的动作评分。</translation>
    </message>
    <message>
        <source>It has no picture from {begin:g} to {end:g} s.</source>
        <translation>从 {begin:g} 到 {end:g} 秒没有画面。</translation>
    </message>
    <message>
        <source>The video is {length:.1f} s long, but the model needs {needed:.1f} s: nothing was recognized.</source>
        <translation>视频长 {length:.1f} 秒，而模型需要 {needed:.1f} 秒：没有识别到任何内容。</translation>
    </message>
    <message>
        <source>The model&apos;s weights are random: its scores mean nothing, and no label is shown.</source>
        <translation>模型的权重是随机的：分数没有意义，也不显示标签。</translation>
    </message>
    <message>
        <source>An unexpected error: {error}.</source>
        <translation>意外错误：{error}。</translation>
    </message>
    <message>
        <source>{name}: {reason}</source>
        <translation>{name}：{reason}</translation>
    </message>
    <message>
        <source>{name}: 0 events.</source>
        <translation>{name}：0 个事件。</translation>
    </message>
    <message>
        <source>{name}: {count} events, {labels} and {more} more.</source>
        <translation>{name}：{count} 个事件，{labels} 等，另有 {more} 种。</translation>
    </message>
    <message>
        <source>{name}: 1 event, {labels}.</source>
        <translation>{name}：1 个事件，{labels}。</translation>
    </message>
    <message>
        <source>{name}: {count} events, {labels}.</source>
        <translation>{name}：{count} 个事件，{labels}。</translation>
    </message>
    <message>
        <source>(done earlier)</source>
        <translation>（先前已完成）</translation>
    </message>
    <message>
        <source>{count} analyzed ({skipped} of them earlier)</source>
        <translation>已分析 {count} 个（其中 {skipped} 个先前已完成）</translation>
    </message>
    <message>
        <source>{count} analyzed</source>
        <translation>已分析 {count} 个</translation>
    </message>
    <message>
        <source>{count} failed</source>
        <translation>{count} 个失败</translation>
    </message>
    <message>
        <source>{count} left: the same command continues from here</source>
        <translation>剩余 {count} 个：同一命令将从这里继续</translation>
    </message>
    <message>
        <source>{parts}. Report: {report}</source>
        <translation>{parts}。报告：{report}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; failed on {device}: {error}. Choose another device.</source>
        <translation>模型“{name}”在 {device} 上失败：{error}。请选择其他设备。</translation>
    </message>
    <message>
        <source>{program} cannot be started: {reason}.</source>
        <translation>无法启动 {program}：{reason}。</translation>
    </message>
    <message>
        <source>The analysis was canceled. Finished results are kept; starting it again continues from there.</source>
        <translation>分析已取消。已完成的结果会保留；再次开始时将从此处继续。</translation>
    </message>
    <message>
        <source>The analysis ended early (exit code {code}).</source>
        <translation>分析提前结束（退出代码 {code}）。</translation>
    </message>
    <message>
        <source>{path} was not made by this program. Choose another folder for the results.</source>
        <translation>{path} 不是由本程序创建的。请为结果选择其他文件夹。</translation>
    </message>
    <message>
        <source>{path} was not written by this program. Choose another folder for the results.</source>
        <translation>{path} 不是由本程序写入的。请为结果选择其他文件夹。</translation>
    </message>
    <message>
        <source>{path} is of a newer version of this program. Choose another folder.</source>
        <translation>{path} 来自本程序的较新版本。请选择其他文件夹。</translation>
    </message>
    <message>
        <source>Another analysis is writing into {parent}. Wait for its end, or choose another folder.</source>
        <translation>另一个分析正在写入 {parent}。请等待其结束，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>The results cannot go to {shown}: {reason}.</source>
        <translation>结果无法存到 {shown}：{reason}。</translation>
    </message>
    <message>
        <source>The results cannot be copied to {url}: {error}. They are in {folder}, and the same command tries again.</source>
        <translation>无法将结果复制到 {url}：{error}。结果在 {folder} 中，用同一命令可重试。</translation>
    </message>
    <message>
        <source>Its results are called {stem}.*, because {wanted}.* is there and is kept.</source>
        <translation>{wanted}.* 已存在并予以保留，因此其结果命名为 {stem}.*。</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: it is a link to {target}, which does not exist.</source>
        <translation>结果无法存到 {folder}：它是指向不存在的 {target} 的链接。</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: it is a file; expected a folder.</source>
        <translation>结果无法存到 {folder}：它是文件，应为文件夹。</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: {reason}</source>
        <translation>结果无法存到 {folder}：{reason}</translation>
    </message>
    <message>
        <source>AVA cannot hold {one}: expected a box within the picture, and actions from 1.</source>
        <translation>AVA 格式无法容纳 {one}：方框应在画面之内，动作编号应从 1 开始。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}</source>
        <translation>无法写入 {path}：{reason}</translation>
    </message>
    <message>
        <source>AVA&apos;s form lists what each person does, but in {name} nobody was followed. Follow people first: Y in the window, `analyze --people auto`.</source>
        <translation>AVA 格式列出每个人的动作，但在 {name} 中没有跟随任何人。请先跟随人物：在窗口中按 Y，或用 `analyze --people auto`。</translation>
    </message>
    <message>
        <source>Videos cannot be written as {suffix}: this build of FFmpeg has no encoder for it. Reinstall the package &apos;av&apos;, its wheels have them all.</source>
        <translation>无法将视频写成 {suffix}：此 FFmpeg 没有相应的编码器。请重新安装软件包“av”，其中包含全部编码器。</translation>
    </message>
    <message>
        <source>A video cannot be written as &apos;{suffix}&apos;. Expected a name that ends in .mp4 or .webm.</source>
        <translation>无法将视频写成“{suffix}”。名称应以 .mp4 或 .webm 结尾。</translation>
    </message>
    <message>
        <source>{where} does not contain findings of this version: {error}.</source>
        <translation>{where} 不包含此版本的分析结果：{error}。</translation>
    </message>
    <message>
        <source>{name} does not determine a format: expected a name that ends with {endings}.</source>
        <translation>{name} 无法确定格式：名称应以 {endings} 之一结尾。</translation>
    </message>
    <message>
        <source>there is no room left on the disk of {folder}.</source>
        <translation>{folder} 所在磁盘已没有空间。</translation>
    </message>
    <message>
        <source>you may not write to {folder}. Choose another folder.</source>
        <translation>您无权写入 {folder}。请选择其他文件夹。</translation>
    </message>
    <message>
        <source>the disk of {folder} cannot be written to. Choose another folder.</source>
        <translation>{folder} 所在磁盘无法写入。请选择其他文件夹。</translation>
    </message>
    <message>
        <source>{folder} does not answer any more. Was the disk unplugged or the folder removed?</source>
        <translation>{folder} 不再响应。磁盘是否被拔出，或文件夹是否被删除？</translation>
    </message>
    <message>
        <source>{folder} is no folder. Choose another one.</source>
        <translation>{folder} 不是文件夹。请另选一个。</translation>
    </message>
    <message>
        <source>its name is too long for this file system. Choose a shorter one.</source>
        <translation>名称对此文件系统来说太长。请使用较短的名称。</translation>
    </message>
    <message>
        <source>Parquet needs the package pyarrow. Install it: pip install &apos;slowfast-live[cluster]&apos;</source>
        <translation>Parquet 需要软件包 pyarrow。安装：pip install &apos;slowfast-live[cluster]&apos;</translation>
    </message>
    <message>
        <source>{target} is the video itself; choose another name for the copy.</source>
        <translation>{target} 就是该视频本身；请为副本选择其他名称。</translation>
    </message>
    <message>
        <source>The sound of {source} cannot be read.</source>
        <translation>无法读取 {source} 的声音。</translation>
    </message>
    <message>
        <source>{name} was not written, because there were no pictures.</source>
        <translation>由于没有画面，未写入 {name}。</translation>
    </message>
    <message>
        <source>{name}: pictures of {width} x {height} are too large for a video.</source>
        <translation>{name}：{width} x {height} 的画面太大，无法制成视频。</translation>
    </message>
    <message>
        <source>FFmpeg says &apos;{error}&apos;.</source>
        <translation>FFmpeg 提示“{error}”。</translation>
    </message>
    <message>
        <source>{name} could not be written to its end: {reason}</source>
        <translation>{name} 未能写完：{reason}</translation>
    </message>
    <message>
        <source>What was written until then is kept and can be played ({seconds:.0f} s).</source>
        <translation>此前写入的内容已保留，可以播放（{seconds:.0f} 秒）。</translation>
    </message>
    <message>
        <source>What was written so far is in {name}, if it still exists.</source>
        <translation>此前写入的内容若仍存在，则在 {name} 中。</translation>
    </message>
    <message>
        <source>{target} cannot be given its name: {reason}</source>
        <translation>无法为 {target} 命名：{reason}</translation>
    </message>
    <message>
        <source>It is kept as {name}.</source>
        <translation>已保留为 {name}。</translation>
    </message>
    <message>
        <source>is a folder</source>
        <translation>是文件夹</translation>
    </message>
    <message>
        <source>{option}: {path} cannot be written: it is a folder; expected the name of a file.</source>
        <translation>{option}：无法写入 {path}：它是文件夹，应为文件名。</translation>
    </message>
    <message>
        <source>{option}: {path} {reason}. It is left as it is; name another file.</source>
        <translation>{option}：{path} {reason}。该文件保持不变；请指定其他文件。</translation>
    </message>
    <message>
        <source>is a link to something that does not exist</source>
        <translation>是指向不存在目标的链接</translation>
    </message>
    <message>
        <source>cannot be inspected ({reason})</source>
        <translation>无法检查（{reason}）</translation>
    </message>
    <message>
        <source>exists and was not written by this program</source>
        <translation>已存在，且不是由本程序写入的</translation>
    </message>
    <message>
        <source>exists and cannot be read ({reason})</source>
        <translation>已存在，但无法读取（{reason}）</translation>
    </message>
    <message>
        <source>it has no output &apos;{probabilities}&apos;</source>
        <translation>没有输出“{probabilities}”</translation>
    </message>
    <message>
        <source>it has no feature maps that are pooled</source>
        <translation>没有经过池化的特征图</translation>
    </message>
    <message>
        <source>its probabilities come from {node}, expected a softmax or sigmoid</source>
        <translation>其概率来自 {node}，应为 softmax 或 sigmoid</translation>
    </message>
    <message>
        <source>what it pools is no map of time and space</source>
        <translation>它池化的不是时间和空间的特征图</translation>
    </message>
    <message>
        <source>its head has the operation {kind}, which cannot be traced</source>
        <translation>其头部包含无法追踪的运算 {kind}</translation>
    </message>
    <message>
        <source>its head multiplies or adds what it computes ({kind}), which cannot be traced</source>
        <translation>其头部将计算结果相乘或相加（{kind}），无法追踪</translation>
    </message>
    <message>
        <source>its head has a {kind} of a constant, which cannot be traced</source>
        <translation>其头部对常量做 {kind}，无法追踪</translation>
    </message>
    <message>
        <source>its head has a convolution over several places, which cannot be traced</source>
        <translation>其头部含有跨多个位置的卷积，无法追踪</translation>
    </message>
    <message>
        <source>its head pools with padding, which cannot be traced</source>
        <translation>其头部的池化带有填充，无法追踪</translation>
    </message>
    <message>
        <source>its head repeats what it computes, which cannot be traced</source>
        <translation>其头部重复计算结果，无法追踪</translation>
    </message>
    <message>
        <source>There is no model yet. `{build_command}` builds one.</source>
        <translation>还没有模型。用 `{build_command}` 构建一个。</translation>
    </message>
    <message>
        <source>Build it again with `{build_command}`.</source>
        <translation>请用 `{build_command}` 重新构建。</translation>
    </message>
    <message>
        <source>its output is not a number (NaN or infinite)</source>
        <translation>其输出不是数字（NaN 或无穷大）</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; takes {found}, but its model.json describes one uint8 clip (1, {frames}, height, width, 3). {build_again}</source>
        <translation>模型“{name}”的输入为 {found}，而其 model.json 描述的是一个 uint8 片段 (1, {frames}, height, width, 3)。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; has {found}, but its model.json names {classes} labels, for which a map &apos;{features}&apos;, &apos;{boxes}&apos; (people, 4) and an output &apos;{probabilities}&apos; (people, {classes}) are expected. {build_again}</source>
        <translation>模型“{name}”有 {found}，而其 model.json 列出 {classes} 个标签，因此需要特征图“{features}”、“{boxes}”(people, 4) 和输出“{probabilities}”(people, {classes})。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not work: {error}.</source>
        <translation>模型“{name}”无法工作：{error}。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not run on {device}. Choose another device.</source>
        <translation>模型“{name}”无法在 {device} 上运行。请选择其他设备。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives values {shape} from {least:.3f} to {most:.3f} for {count} people: expected a score in 0..1 for each of {labels} labels. {build_again}</source>
        <translation>模型“{name}”对 {count} 个人给出 {least:.3f} 到 {most:.3f} 的值 {shape}：应为 {labels} 个标签各给出 0 到 1 的分数。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does, in two networks: it runs on this machine only, not on {text}. Choose another device.</source>
        <translation>模型“{name}”用两个网络对每个人的动作评分：只能在本机运行，不能在 {text} 上运行。请选择其他设备。</translation>
    </message>
    <message>
        <source>An inference server needs the package grpcio. Install it: {command}</source>
        <translation>推理服务器需要软件包 grpcio。安装：{command}</translation>
    </message>
    <message>
        <source>No GPU that OpenVINO can use was found. It needs an Intel GPU and its OpenCL driver.</source>
        <translation>没有找到 OpenVINO 可用的 GPU。需要 Intel GPU 及其 OpenCL 驱动程序。</translation>
    </message>
    <message>
        <source>No NPU that OpenVINO can use was found. It needs an Intel Core Ultra processor and the NPU driver.</source>
        <translation>没有找到 OpenVINO 可用的 NPU。需要 Intel Core Ultra 处理器和 NPU 驱动程序。</translation>
    </message>
    <message>
        <source>There is no device &apos;{name}&apos;.</source>
        <translation>没有设备“{name}”。</translation>
    </message>
    <message>
        <source>{reason} Available devices: {choices}.</source>
        <translation>{reason}可用设备：{choices}。</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model.</source>
        <translation>{path} 不是可读取的 OpenVINO 模型。</translation>
    </message>
    <message>
        <source>{title} cannot be explained: {message}.</source>
        <translation>无法解释 {title}：{message}。</translation>
    </message>
    <message>
        <source>{title} cannot be explained: its logits do not fit its labels.</source>
        <translation>无法解释 {title}：其 logits 与标签不符。</translation>
    </message>
    <message>
        <source>{title} cannot be explained on {device}. Choose another device.</source>
        <translation>无法在 {device} 上解释 {title}。请选择其他设备。</translation>
    </message>
    <message>
        <source>{title} has no action &apos;{label}&apos;.</source>
        <translation>{title} 没有动作“{label}”。</translation>
    </message>
    <message>
        <source>{title} could not be explained.</source>
        <translation>未能解释 {title}。</translation>
    </message>
    <message>
        <source>The network has {count} pathways, which cannot be explained.</source>
        <translation>该网络有 {count} 条通路，无法解释。</translation>
    </message>
    <message>
        <source>one name a line, a JSON list or mapping of names and numbers, or CSV with a name and its number</source>
        <translation>每行一个名称、由名称和编号组成的 JSON 列表或映射，或含名称及编号的 CSV</translation>
    </message>
    <message>
        <source>The number of classes is from 1 to {max_classes:,}, not {classes:,}.</source>
        <translation>类别数应为 1 到 {max_classes:,}，而不是 {classes:,}。</translation>
    </message>
    <message>
        <source>{file} holds {count:,} names, but {classes:,} classes were requested.</source>
        <translation>{file} 含有 {count:,} 个名称，但要求的类别数是 {classes:,}。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: it is too large ({size:.0f} MB).</source>
        <translation>{file} 不是标签列表：太大（{size:.0f} MB）。</translation>
    </message>
    <message>
        <source>The labels {file} cannot be read: {reason}.</source>
        <translation>无法读取标签 {file}：{reason}。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: expected UTF-8 text, {forms}.</source>
        <translation>{file} 不是标签列表：应为 UTF-8 文本，{forms}。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: {error}. Expected {forms}.</source>
        <translation>{file} 不是标签列表：{error}。应为{forms}。</translation>
    </message>
    <message>
        <source>{file} holds no names: expected {forms}.</source>
        <translation>{file} 不含名称：应为{forms}。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: name {number} is empty.</source>
        <translation>{file} 不是标签列表：名称 {number} 为空。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: control characters in &apos;{odd}&apos;.</source>
        <translation>{file} 不是标签列表：“{odd}”中有控制字符。</translation>
    </message>
    <message>
        <source>{file} is no list of labels: a name has {count:,} characters, expected {longest_name} at most.</source>
        <translation>{file} 不是标签列表：有一个名称长达 {count:,} 个字符，最多应为 {longest_name} 个。</translation>
    </message>
    <message>
        <source>{file} holds names twice: &apos;{label}&apos;.</source>
        <translation>{file} 中有重复的名称：“{label}”。</translation>
    </message>
    <message>
        <source>{file} holds {count:,} names; a model has {max_classes:,} classes at most.</source>
        <translation>{file} 含有 {count:,} 个名称；一个模型最多有 {max_classes:,} 个类别。</translation>
    </message>
    <message>
        <source>{suffix} files are not read here</source>
        <translation>这里不读取 {suffix} 文件</translation>
    </message>
    <message>
        <source>it is not valid JSON ({error})</source>
        <translation>不是有效的 JSON（{error}）</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; stands twice in an object</source>
        <translation>“{name}”在一个对象中出现两次</translation>
    </message>
    <message>
        <source>its JSON is neither a list of names nor a mapping of names and numbers</source>
        <translation>其 JSON 既不是名称列表，也不是名称与编号的映射</translation>
    </message>
    <message>
        <source>an item of its label map has no name or no id</source>
        <translation>其标签映射中有一项缺少名称或 id</translation>
    </message>
    <message>
        <source>no column of it is known to hold the names (name, label, class) or their numbers</source>
        <translation>没有哪一列可认出是名称（name、label、class）或其编号</translation>
    </message>
    <message>
        <source>its rows hold no name with its number</source>
        <translation>其各行中没有名称及编号</translation>
    </message>
    <message>
        <source>its column &apos;{head}&apos; holds numbers, and no column its names</source>
        <translation>其“{head}”列是编号，却没有名称列</translation>
    </message>
    <message>
        <source>the number {number} stands {count} times</source>
        <translation>编号 {number} 出现 {count} 次</translation>
    </message>
    <message>
        <source>the number {missing} is missing: names are numbered from 0 or 1 without a gap</source>
        <translation>缺少编号 {missing}：名称应从 0 或 1 开始连续编号</translation>
    </message>
    <message>
        <source>There is a model called {name} already: {output}. It is left as it is.</source>
        <translation>已有名为 {name} 的模型：{output}。它保持不变。</translation>
    </message>
    <message>
        <source>{path} is no ZIP archive that can be read: {error}.</source>
        <translation>{path} 不是可读取的 ZIP 归档文件：{error}。</translation>
    </message>
    <message>
        <source>{path} cannot be unpacked into {output}: {reason}.</source>
        <translation>无法将 {path} 解压到 {output}：{reason}。</translation>
    </message>
    <message>
        <source>{path} holds a model with a name that cannot be used: &apos;{title}&apos;.</source>
        <translation>{path} 中有名称不可用的模型：“{title}”。</translation>
    </message>
    <message>
        <source>{path} holds no model: expected folders with {spec_file}, {ir_file} and {weights_file}, as they lie in the folder of models of another machine.</source>
        <translation>{path} 中没有模型：应含有带 {spec_file}、{ir_file} 和 {weights_file} 的文件夹，与另一台机器的模型文件夹中一样。</translation>
    </message>
    <message>
        <source>The models unpack to more than {max_bytes:.0f} GB, which is too much.</source>
        <translation>模型解压后超过 {max_bytes:.0f} GB，太大。</translation>
    </message>
    <message>
        <source>The archive has a link ({filename}), which is not followed.</source>
        <translation>归档文件中有链接（{filename}），不会跟随。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; was compiled for {device} but does not run there. Choose another device.</source>
        <translation>模型“{name}”已为 {device} 编译，但无法在其上运行。请选择其他设备。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; cannot be compiled for {device}. Choose another device or model.</source>
        <translation>无法为 {device} 编译模型“{name}”。请选择其他设备或模型。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does, in two networks: it runs on this machine only.</source>
        <translation>模型“{name}”用两个网络对每个人的动作评分：只能在本机运行。</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model. {build_again}</source>
        <translation>{path} 不是可读取的 OpenVINO 模型。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; takes {found}, but its model.json describes one uint8 clip {wanted}. {build_again}</source>
        <translation>模型“{name}”的输入为 {found}，而其 model.json 描述的是一个 uint8 片段 {wanted}。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives {found}, but its model.json names {classes} labels, for which an output &apos;{probabilities}&apos; (1, {classes}) is expected. {build_again}</source>
        <translation>模型“{name}”的输出为 {found}，而其 model.json 列出 {classes} 个标签，因此需要输出“{probabilities}”(1, {classes})。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; carries a description that cannot be read.</source>
        <translation>无法读取模型“{name}”所带的描述。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not fit its model.json: &apos;{field}&apos; differs from what the network itself carries. {build_again}</source>
        <translation>模型“{name}”与其 model.json 不符：“{field}”与网络本身所带的不同。{build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives values that are no probabilities (sum {total:.3f}, smallest {least:.3f}, largest {most:.3f}). {build_again}</source>
        <translation>模型“{name}”给出的值不是概率（总和 {total:.3f}，最小 {least:.3f}，最大 {most:.3f}）。{build_again}</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model.{again}</source>
        <translation>{path} 不是可读取的 OpenVINO 模型。{again}</translation>
    </message>
    <message>
        <source>{path} takes {found}, but its description says one uint8 picture {shape}.{again}</source>
        <translation>{path} 的输入为 {found}，而其描述是一幅 uint8 画面 {shape}。{again}</translation>
    </message>
    <message>
        <source>{name} does not run on {device}. Choose another device.</source>
        <translation>{name} 无法在 {device} 上运行。请选择其他设备。</translation>
    </message>
    <message>
        <source>A network cannot be compiled for {device}. Choose another device.</source>
        <translation>无法为 {device} 编译网络。请选择其他设备。</translation>
    </message>
    <message>
        <source>Expected an address such as {example}, or grpcs://HOST:PORT for an encrypted connection</source>
        <translation>应为 {example} 这样的地址，加密连接用 grpcs://HOST:PORT</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is no address of an inference server: {error}. {expected}.</source>
        <translation>“{text}”不是推理服务器的地址：{error}。{expected}。</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is no address of an inference server. {expected}.</source>
        <translation>“{text}”不是推理服务器的地址。{expected}。</translation>
    </message>
    <message>
        <source>An address of an inference server has no user name and no &apos;#&apos;. {expected}.</source>
        <translation>推理服务器的地址不含用户名和“#”。{expected}。</translation>
    </message>
    <message>
        <source>&apos;{model}&apos; is no name of a model on a server. {expected}, optionally with /MODEL behind it.</source>
        <translation>“{model}”不是服务器上模型的名称。{expected}，后面可加 /MODEL。</translation>
    </message>
    <message>
        <source>&apos;{text}&apos;: only ?ca=FILE may follow, and only after {tls}://. {expected}.</source>
        <translation>“{text}”：后面只能加 ?ca=FILE，且仅限 {tls}:// 之后。{expected}。</translation>
    </message>
    <message>
        <source>Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>请重新导出：slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} takes {found}, but its model.json here describes one clip UINT8 {wanted}. {again}</source>
        <translation>{where} 上的模型“{name}”的输入为 {found}，而这里的 model.json 描述的是一个 UINT8 片段 {wanted}。{again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} gives {found}, but its model.json here names {classes} labels, for which an output &apos;{probabilities}&apos; [1, {classes}] is expected. {again}</source>
        <translation>{where} 上的模型“{name}”的输出为 {found}，而这里的 model.json 列出 {classes} 个标签，因此需要输出“{probabilities}”[1, {classes}]。{again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} was exported with other labels than its model.json here has. Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>{where} 上的模型“{name}”导出时的标签与这里的 model.json 不同。请重新导出：slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} answers otherwise than the same model on this machine: it has other weights or labels. Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>{where} 上的模型“{name}”的回答与本机上的同一模型不同：其权重或标签不同。请重新导出：slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{model}&apos; on {shown}</source>
        <translation>{shown} 上的模型“{model}”</translation>
    </message>
    <message>
        <source>The connection to {server} is closed.</source>
        <translation>与 {server} 的连接已关闭。</translation>
    </message>
    <message>
        <source>The inference server {server} does not answer. Check that it runs and that the address is right.</source>
        <translation>推理服务器 {server} 没有响应。请检查它是否在运行以及地址是否正确。</translation>
    </message>
    <message>
        <source>The inference server {server} took too long. Check that it runs and that the address is right.</source>
        <translation>推理服务器 {server} 用时过长。请检查它是否在运行以及地址是否正确。</translation>
    </message>
    <message>
        <source>The inference server {server} has no model &apos;{model}&apos;. Give it one: slowfast-live models export {model} --server DIR</source>
        <translation>推理服务器 {server} 上没有模型“{model}”。请为它提供：slowfast-live models export {model} --server DIR</translation>
    </message>
    <message>
        <source>{model} refuses: {first}.</source>
        <translation>{model} 拒绝：{first}。</translation>
    </message>
    <message>
        <source>The certificates in {ca} cannot be read: {reason}.</source>
        <translation>无法读取 {ca} 中的证书：{reason}。</translation>
    </message>
    <message>
        <source>{who} gives {datatype} for &apos;{wanted}&apos;; expected FP32.</source>
        <translation>{who} 的“{wanted}”为 {datatype}；应为 FP32。</translation>
    </message>
    <message>
        <source>{who} gives {count} bytes for &apos;{wanted}&apos;, which are no {datatype} values.</source>
        <translation>{who} 的“{wanted}”给出 {count} 字节，不是 {datatype} 值。</translation>
    </message>
    <message>
        <source>{who} gives {size} values with shape {shape}; expected [1, ...].</source>
        <translation>{who} 给出形状为 {shape} 的 {size} 个值；应为 [1, ...]。</translation>
    </message>
    <message>
        <source>{who} gives {found}; expected an output &apos;{wanted}&apos;.</source>
        <translation>{who} 给出 {found}；应有输出“{wanted}”。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; is not ready on {server}.</source>
        <translation>{server} 上的模型“{name}”尚未就绪。</translation>
    </message>
    <message>
        <source>no device of this machine</source>
        <translation>本机没有设备</translation>
    </message>
    <message>
        <source>{problem} {device} takes over until it is back.</source>
        <translation>{problem}在恢复之前由 {device} 接替。</translation>
    </message>
    <message>
        <source>The inference server {where} gave an unexpected error.</source>
        <translation>推理服务器 {where} 出现意外错误。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} gives values with shape {shape}; expected {classes} probabilities.</source>
        <translation>{where} 上的模型“{name}”给出形状为 {shape} 的值；应为 {classes} 个概率。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; failed on this machine: {error}.</source>
        <translation>模型“{name}”在本机上失败：{error}。</translation>
    </message>
    <message>
        <source>The inference server {where} answers again and runs the model.</source>
        <translation>推理服务器 {where} 已恢复响应，并在运行模型。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does: it runs for one source, not side by side. Choose another model.</source>
        <translation>模型“{name}”对每个人的动作评分：只能用于一个来源，不能并排运行。请选择其他模型。</translation>
    </message>
    <message>
        <source>the model was released</source>
        <translation>模型已释放</translation>
    </message>
    <message>
        <source>right at first guess ({metric})</source>
        <translation>首选正确率（{metric}）</translation>
    </message>
    <message>
        <source>right within {count} guesses ({metric})</source>
        <translation>前 {count} 个猜测内的正确率（{metric}）</translation>
    </message>
    <message>
        <source>rendered clips that it was not trained on</source>
        <translation>未用于训练的渲染片段</translation>
    </message>
    <message>
        <source>{clips} clips that it was not trained on</source>
        <translation>未用于训练的 {clips} 片段</translation>
    </message>
    <message>
        <source>{where} does not describe a model: {error}.</source>
        <translation>{where} 没有描述模型：{error}。</translation>
    </message>
    <message>
        <source>{folder} has control characters in its name. Give the folder another name.</source>
        <translation>{folder} 的名称中有控制字符。请为文件夹另起名称。</translation>
    </message>
    <message>
        <source>{folder} is not a model folder: {name} is missing. Build it with `{build_command}`.</source>
        <translation>{folder} 不是模型文件夹：缺少 {name}。请用 `{build_command}` 构建。</translation>
    </message>
    <message>
        <source>{folder} is too large to describe a model: {size:.0f} MB, expected less than {largest:.0f} MB. Build the model again with `{build_command}`.</source>
        <translation>{folder} 太大，不可能是模型描述：{size:.0f} MB，应小于 {largest:.0f} MB。请用 `{build_command}` 重新构建模型。</translation>
    </message>
    <message>
        <source>{folder} is not complete: {name} is missing. Build it again with `{build_command}`.</source>
        <translation>{folder} 不完整：缺少 {name}。请用 `{build_command}` 重新构建。</translation>
    </message>
    <message>
        <source>none is built yet; `{build_command}` builds them</source>
        <translation>尚未构建；用 `{build_command}` 构建</translation>
    </message>
    <message>
        <source>There is no model &apos;{name_or_folder}&apos;. Models at hand: {known}.</source>
        <translation>没有模型“{name_or_folder}”。现有模型：{known}。</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>没有那个文件或文件夹</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>权限不够</translation>
    </message>
    <message>
        <source>Operation not permitted</source>
        <translation>操作不允许</translation>
    </message>
    <message>
        <source>Is a directory</source>
        <translation>是一个文件夹</translation>
    </message>
    <message>
        <source>Not a directory</source>
        <translation>不是文件夹</translation>
    </message>
    <message>
        <source>File exists</source>
        <translation>文件已存在</translation>
    </message>
    <message>
        <source>No space left on device</source>
        <translation>磁盘上没有空间</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>输入/输出错误</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>只读文件系统</translation>
    </message>
    <message>
        <source>File name too long</source>
        <translation>文件名过长</translation>
    </message>
    <message>
        <source>Device or resource busy</source>
        <translation>设备或资源忙</translation>
    </message>
    <message>
        <source>Too many open files</source>
        <translation>打开的文件过多</translation>
    </message>
    <message>
        <source>Too many levels of symbolic links</source>
        <translation>符号链接的层数过多</translation>
    </message>
    <message>
        <source>Connection refused</source>
        <translation>连接被拒绝</translation>
    </message>
    <message>
        <source>Connection reset by peer</source>
        <translation>连接被对方重置</translation>
    </message>
    <message>
        <source>No route to host</source>
        <translation>没有到主机的路由</translation>
    </message>
    <message>
        <source>Network is unreachable</source>
        <translation>网络不可达</translation>
    </message>
    <message>
        <source>Address already in use</source>
        <translation>地址已被占用</translation>
    </message>
    <message>
        <source>Connection timed out</source>
        <translation>连接超时</translation>
    </message>
    <message>
        <source>its boxes are far outside the picture, or its scores are no probabilities</source>
        <translation>其方框远在画面之外，或其分数不是概率</translation>
    </message>
    <message>
        <source>Person detector &apos;{name}&apos; failed: {message}.</source>
        <translation>人物检测器“{name}”失败：{message}。</translation>
    </message>
    <message>
        <source>model &apos;{name}&apos; scores what each person does, but runs as one that classifies clips</source>
        <translation>模型“{name}”对每个人的动作评分，却作为片段分类模型运行</translation>
    </message>
    <message>
        <source>it gives no scores of people</source>
        <translation>没有给出人物的分数</translation>
    </message>
    <message>
        <source>it gives values {shape} for {count} people and {labels} labels</source>
        <translation>对 {count} 个人和 {labels} 个标签给出值 {shape}</translation>
    </message>
    <message>
        <source>its outputs ({found}) are those of none of the detectors that can be used: YOLOX (1, {cells}, 5 + classes), SSD (1, 1, N, 7), Open Model Zoo&apos;s boxes (N, 5) with labels, or an SSD with {anchors} anchors</source>
        <translation>其输出（{found}）不属于任何可用的检测器：YOLOX (1, {cells}, 5 + classes)、SSD (1, 1, N, 7)、带标签的 Open Model Zoo 方框 (N, 5)，或有 {anchors} 个锚框的 SSD</translation>
    </message>
    <message>
        <source>it gives {boxes} boxes of {values} values, expected {count}</source>
        <translation>给出 {boxes} 个含 {values} 个值的方框，应为 {count} 个</translation>
    </message>
    <message>
        <source>it gives boxes {boxes} and classes {classes} for {count} anchors</source>
        <translation>对 {count} 个锚框给出方框 {boxes} 和类别 {classes}</translation>
    </message>
    <message>
        <source>{folder} is not a detector&apos;s folder: {name} is missing. Build it: `{detector_command}`.</source>
        <translation>{folder} 不是检测器文件夹：缺少 {name}。请构建：`{detector_command}`。</translation>
    </message>
    <message>
        <source>{path} is too large to describe a detector. Build it again: `{detector_command}`.</source>
        <translation>{path} 太大，不可能是检测器描述。请重新构建：`{detector_command}`。</translation>
    </message>
    <message>
        <source>{path} does not describe a detector: {error}.</source>
        <translation>{path} 没有描述检测器：{error}。</translation>
    </message>
    <message>
        <source>none is built yet; `{detector_command}` builds one</source>
        <translation>尚未构建；用 `{detector_command}` 构建</translation>
    </message>
    <message>
        <source>There is no person detector &apos;{name}&apos;. Detectors at hand: {known}.</source>
        <translation>没有人物检测器“{name}”。现有检测器：{known}。</translation>
    </message>
    <message>
        <source>{name} cannot be read because of an unexpected error.</source>
        <translation>由于意外错误，无法读取 {name}。</translation>
    </message>
    <message>
        <source>{name} contains no pictures that can be decoded. Try another file.</source>
        <translation>{name} 不含可解码的画面。请尝试其他文件。</translation>
    </message>
    <message>
        <source>{problem} Trying to reach it again.</source>
        <translation>{problem}正在尝试重新连接。</translation>
    </message>
    <message>
        <source>it has not answered for {hung_after_s:.0f} s</source>
        <translation>已有 {hung_after_s:.0f} 秒没有响应</translation>
    </message>
    <message>
        <source>What moves is followed instead.</source>
        <translation>改为跟踪移动的区域。</translation>
    </message>
    <message>
        <source>Person detector &apos;{title}&apos; failed.</source>
        <translation>人物检测器“{title}”失败。</translation>
    </message>
    <message>
        <source>Person detector &apos;{title}&apos; failed: {reason}.</source>
        <translation>人物检测器“{title}”失败：{reason}。</translation>
    </message>
    <message>
        <source>{name} cannot be opened because of an unexpected error.</source>
        <translation>由于意外错误，无法打开 {name}。</translation>
    </message>
    <message>
        <source>it gives {size} values {shape} for {classes} labels</source>
        <translation>对 {classes} 个标签给出 {size} 个值 {shape}</translation>
    </message>
    <message>
        <source>This machine takes too long for all of the picture with {title}: people are recognized in its central square only.</source>
        <translation>在本机上用 {title} 处理整个画面用时过长：只识别中央正方形内的人。</translation>
    </message>
    <message>
        <source>it has not answered for {stuck_after_s:.0f} s</source>
        <translation>已有 {stuck_after_s:.0f} 秒没有响应</translation>
    </message>
    <message>
        <source>Model &apos;{model}&apos; failed on {device}: {error}. Choose another model or device.</source>
        <translation>模型“{model}”在 {device} 上失败：{error}。请选择其他模型或设备。</translation>
    </message>
    <message>
        <source>{problem} {title} on {device} remains in use.</source>
        <translation>{problem}继续使用 {device} 上的 {title}。</translation>
    </message>
    <message>
        <source>The local feed needs a token.</source>
        <translation>本地推送需要令牌。</translation>
    </message>
    <message>
        <source>The local feed cannot use port {port}: {reason}. Choose another port.</source>
        <translation>本地推送无法使用端口 {port}：{reason}。请选择其他端口。</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} refuses the connection: {reason}.</source>
        <translation>MQTT 代理 {shown} 拒绝连接：{reason}。</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} is away ({reason}); trying again.</source>
        <translation>MQTT 代理 {shown} 已离线（{reason}）；正在重试。</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} cannot be reached. Is it running? Trying again.</source>
        <translation>无法连接 MQTT 代理 {shown}。它在运行吗？正在重试。</translation>
    </message>
    <message>
        <source>MQTT needs the package paho-mqtt, which is missing: pip install &quot;slowfast-live[mqtt]&quot;.</source>
        <translation>MQTT 需要软件包 paho-mqtt，但尚未安装：pip install &quot;slowfast-live[mqtt]&quot;。</translation>
    </message>
    <message>
        <source>No text file is chosen yet.</source>
        <translation>还没有选择文本文件。</translation>
    </message>
    <message>
        <source>Expected mqtt://HOST, mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection</source>
        <translation>应为 mqtt://HOST、mqtt://USER:PASSWORD@HOST:PORT/TOPIC，加密连接用 mqtts://</translation>
    </message>
    <message>
        <source>&apos;{shown}&apos; is no address of an MQTT broker. {expected}.</source>
        <translation>“{shown}”不是 MQTT 代理的地址。{expected}。</translation>
    </message>
    <message>
        <source>The topic &apos;{topic}&apos; cannot be used: expected a name without &apos;+&apos; and &apos;#&apos;.</source>
        <translation>主题“{topic}”不可用：名称不得含有“+”和“#”。</translation>
    </message>
    <message>
        <source>{path} {reason}. It is left as it is; name another file.</source>
        <translation>{path} {reason}。该文件保持不变；请指定其他文件。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Recording {name} failed because of an unexpected error.</source>
        <translation>由于意外错误，录制 {name} 失败。</translation>
    </message>
    <message>
        <source>There is nothing to save yet: no picture has arrived.</source>
        <translation>还没有可保存的内容：尚未收到画面。</translation>
    </message>
    <message>
        <source>Recordings cannot be kept in {folder}: {reason}</source>
        <translation>录像无法存到 {folder}：{reason}</translation>
    </message>
    <message>
        <source>The rule&apos;s command cannot run: there is no program &apos;{program}&apos;.</source>
        <translation>无法运行规则的命令：没有程序“{program}”。</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; did not end within {timeout_s:.0f} s and was stopped.</source>
        <translation>规则的命令“{program}”未在 {timeout_s:.0f} 秒内结束，已被停止。</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; cannot run: {why}.</source>
        <translation>无法运行规则的命令“{program}”：{why}。</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; failed with exit code {returncode}.</source>
        <translation>规则的命令“{program}”失败，退出代码为 {returncode}。</translation>
    </message>
    <message>
        <source>{shown} sends on to {host}, which is not followed. Type the address it leads to.</source>
        <translation>{shown} 转向 {host}，不会跟随。请直接输入它所指向的地址。</translation>
    </message>
    <message>
        <source>{shown} refused what the rule sent: {code} {reason}.</source>
        <translation>{shown} 拒绝了规则发送的内容：{code} {reason}。</translation>
    </message>
    <message>
        <source>{shown} did not answer the rule within {timeout_s:.0f} s.</source>
        <translation>{shown} 未在 {timeout_s:.0f} 秒内响应规则。</translation>
    </message>
    <message>
        <source>{shown} cannot be reached by the rule: {why}.</source>
        <translation>规则无法连接 {shown}：{why}。</translation>
    </message>
    <message>
        <source>a threshold lies between 0 and 1, got {value}</source>
        <translation>阈值应在 0 到 1 之间，而不是 {value}</translation>
    </message>
    <message>
        <source>{name} is a number of seconds, 0 or more, got {value}</source>
        <translation>{name} 应为不小于 0 的秒数，而不是 {value}</translation>
    </message>
    <message>
        <source>a number of people lies between 0 and {most}, got {value}</source>
        <translation>人数应在 0 到 {most} 之间，而不是 {value}</translation>
    </message>
    <message>
        <source>&apos;{address}&apos; is no web address. Expected http://host/path or https://host/path</source>
        <translation>“{address}”不是网址。应为 http://host/path 或 https://host/path</translation>
    </message>
    <message>
        <source>no program reads from this pipe</source>
        <translation>没有程序从此管道读取</translation>
    </message>
    <message>
        <source>The session log {path} can no longer be written: {reason}. The app continues without it.</source>
        <translation>无法再写入会话日志 {path}：{reason}。应用将在没有日志的情况下继续。</translation>
    </message>
    <message>
        <source>{where} contains impossible values.</source>
        <translation>{where} 含有不可能的值。</translation>
    </message>
    <message>
        <source>{where} contains impossible decisions.</source>
        <translation>{where} 含有不可能的判定。</translation>
    </message>
    <message>
        <source>{where} is larger than a session can be ({max_bytes} MB).</source>
        <translation>{where} 超过了会话的最大大小（{max_bytes} MB）。</translation>
    </message>
    <message>
        <source>{where} is not a session of SlowFast Live.</source>
        <translation>{where} 不是 SlowFast Live 的会话。</translation>
    </message>
    <message>
        <source>{where} was written by a newer version of SlowFast Live. Update to open it.</source>
        <translation>{where} 由较新版本的 SlowFast Live 写入。请更新后再打开。</translation>
    </message>
    <message>
        <source>{where} is not a session of SlowFast Live, or it is damaged.</source>
        <translation>{where} 不是 SlowFast Live 的会话，或已损坏。</translation>
    </message>
    <message>
        <source>{where} is damaged.</source>
        <translation>{where} 已损坏。</translation>
    </message>
    <message>
        <source>{where} contains an impossible edit.</source>
        <translation>{where} 含有不可能的编辑。</translation>
    </message>
    <message>
        <source>{where} contains impossible times.</source>
        <translation>{where} 含有不可能的时间。</translation>
    </message>
    <message>
        <source>{where} contains a duplicate label.</source>
        <translation>{where} 含有重复的标签。</translation>
    </message>
    <message>
        <source>{where} contains an impossible event.</source>
        <translation>{where} 含有不可能的事件。</translation>
    </message>
    <message>
        <source>{where} contains overlapping events.</source>
        <translation>{where} 含有重叠的事件。</translation>
    </message>
    <message>
        <source>{where} contains an empty name.</source>
        <translation>{where} 含有空名称。</translation>
    </message>
    <message>
        <source>{where} contains text with control characters.</source>
        <translation>{where} 的文本中含有控制字符。</translation>
    </message>
    <message>
        <source>The session</source>
        <translation>该会话</translation>
    </message>
    <message>
        <source>{where} contains damaged data.</source>
        <translation>{where} 含有损坏的数据。</translation>
    </message>
    <message>
        <source>{where} contains too many boxes of people.</source>
        <translation>{where} 中人物方框过多。</translation>
    </message>
    <message>
        <source>{where} contains one person twice.</source>
        <translation>{where} 中有同一个人出现两次。</translation>
    </message>
    <message>
        <source>{where} contains too many events of people.</source>
        <translation>{where} 中人物事件过多。</translation>
    </message>
    <message>
        <source>{where} contains times in disorder.</source>
        <translation>{where} 中的时间顺序混乱。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}</source>
        <translation>无法读取 {path}：{reason}</translation>
    </message>
    <message>
        <source>The sessions in {folder} cannot be read.</source>
        <translation>无法读取 {folder} 中的会话。</translation>
    </message>
    <message>
        <source>{path} contains another session than its name indicates.</source>
        <translation>{path} 中的会话与其名称不符。</translation>
    </message>
    <message>
        <source>{problem} It was moved to {name}; everything else is as it was.</source>
        <translation>{problem}已将其移至 {name}；其他一切照旧。</translation>
    </message>
    <message>
        <source>Another program holds {folder}; waiting for it.</source>
        <translation>其他程序正占用 {folder}；正在等待。</translation>
    </message>
    <message>
        <source>Nothing can be written to {folder}: {reason}</source>
        <translation>无法写入 {folder}：{reason}</translation>
    </message>
    <message>
        <source>{path} is no file. Choose a file that ends with {suffix}.</source>
        <translation>{path} 不是文件。请选择以 {suffix} 结尾的文件。</translation>
    </message>
    <message>
        <source>The settings in {path} cannot be read; defaults are used.</source>
        <translation>无法读取 {path} 中的设置；使用默认值。</translation>
    </message>
    <message>
        <source>The settings in {path} are damaged; defaults are used. {kept}</source>
        <translation>{path} 中的设置已损坏；使用默认值。{kept}</translation>
    </message>
    <message>
        <source>Some settings make no sense and were reset: {names}. {kept}</source>
        <translation>部分设置无意义，已重置：{names}。{kept}</translation>
    </message>
    <message>
        <source>The old file is kept as {name}.</source>
        <translation>旧文件已保留为 {name}。</translation>
    </message>
    <message>
        <source>What is there is kept as {name}.</source>
        <translation>原有内容已保留为 {name}。</translation>
    </message>
    <message>
        <source>The settings cannot be saved to {path}: {reason}. Is the folder writable?</source>
        <translation>无法将设置保存到 {path}：{reason}。文件夹可写吗？</translation>
    </message>
    <message>
        <source>Expected a camera (&quot;0&quot;, &quot;camera:0&quot;, &quot;/dev/video0&quot;), a video file, a folder of pictures, a URL ({schemes}), &quot;screen&quot; or &quot;demo&quot;.</source>
        <translation>应为摄像头（&quot;0&quot;、&quot;camera:0&quot;、&quot;/dev/video0&quot;）、视频文件、图片文件夹、URL（{schemes}）、&quot;screen&quot; 或 &quot;demo&quot;。</translation>
    </message>
    <message>
        <source>No source given. {expected}</source>
        <translation>未指定来源。{expected}</translation>
    </message>
    <message>
        <source>{text!r} names a file on another machine ({netloc}). {expected}</source>
        <translation>{text!r} 指向另一台机器（{netloc}）上的文件。{expected}</translation>
    </message>
    <message>
        <source>{text!r} names no file. {expected}</source>
        <translation>{text!r} 不是文件。{expected}</translation>
    </message>
    <message>
        <source>{text!r} names no camera. {expected}</source>
        <translation>{text!r} 不是摄像头。{expected}</translation>
    </message>
    <message>
        <source>{scheme}:// is no kind of source. {expected}</source>
        <translation>{scheme}:// 不是来源的类型。{expected}</translation>
    </message>
    <message>
        <source>{text!r} names no host. {expected}</source>
        <translation>{text!r} 没有主机名。{expected}</translation>
    </message>
    <message>
        <source>{name} is an animated picture of more than {max_bytes} MB.</source>
        <translation>{name} 是超过 {max_bytes} MB 的动图。</translation>
    </message>
    <message>
        <source>{name} contains no complete frame. Is it truncated?</source>
        <translation>{name} 不含完整的帧。文件被截断了吗？</translation>
    </message>
    <message>
        <source>{name} is cut off; {count} frames are whole.</source>
        <translation>{name} 被截断；有 {count} 帧完整。</translation>
    </message>
    <message>
        <source>{name} is damaged or cut off after {times:.1f} s.</source>
        <translation>{name} 在 {times:.1f} 秒之后损坏或被截断。</translation>
    </message>
    <message>
        <source>{name} has pictures that would fill the memory.</source>
        <translation>{name} 的画面会占满内存。</translation>
    </message>
    <message>
        <source>{name} is not open.</source>
        <translation>{name} 未打开。</translation>
    </message>
    <message>
        <source>{name} cannot be read as an animated picture: {reason}.</source>
        <translation>无法将 {name} 作为动图读取：{reason}。</translation>
    </message>
    <message>
        <source>{name} answers, but not in HTTP: it sent {head}. Is the port right?</source>
        <translation>{name} 有响应，但不是 HTTP：它发送了 {head}。端口正确吗？</translation>
    </message>
    <message>
        <source>{name} answers, but sends nothing. Is the address complete, and is the camera on?</source>
        <translation>{name} 有响应，但没有发送内容。地址是否完整，摄像头是否已打开？</translation>
    </message>
    <message>
        <source>{name} is {kind} that names no video that can be read. Is the broadcast over?</source>
        <translation>{name} 是{kind}，但没有列出可读取的视频。直播是否已结束？</translation>
    </message>
    <message>
        <source>Open the address that it names.</source>
        <translation>请打开其中列出的地址。</translation>
    </message>
    <message>
        <source>{name} is {kind}, not a video. {advice}</source>
        <translation>{name} 是{kind}，不是视频。{advice}</translation>
    </message>
    <message>
        <source>{name} sends a single picture ({form}), not a video. Cameras have another address for their live stream: look for MJPEG or RTSP in its manual.</source>
        <translation>{name} 发送的是单张图片（{form}），不是视频。摄像头的实时流有另外的地址：请在说明书中查找 MJPEG 或 RTSP。</translation>
    </message>
    <message>
        <source>{name} sends a web page, not a video. Look for the address of the stream itself in the manual of the camera, or in the page.</source>
        <translation>{name} 发送的是网页，不是视频。请在摄像头说明书或该网页中查找流的地址。</translation>
    </message>
    <message>
        <source>{name} sends sound ({content_type}), not a video.</source>
        <translation>{name} 发送的是声音（{content_type}），不是视频。</translation>
    </message>
    <message>
        <source>{name} sends text, not a video: {head}. Is the address right?</source>
        <translation>{name} 发送的是文本，不是视频：{head}。地址正确吗？</translation>
    </message>
    <message>
        <source>{name} sends data that is no video known here: it begins with {begin}. Is it damaged or encrypted, or the address that of another service?</source>
        <translation>{name} 发送的数据不是已知的视频：以 {begin} 开头。是否已损坏或加密，或是其他服务的地址？</translation>
    </message>
    <message>
        <source>{name} sends data as {kind} that is no video known here: it begins with {begin}. Is it damaged or encrypted, or the address that of another service?</source>
        <translation>{name} 以 {kind} 发送的数据不是已知的视频：以 {begin} 开头。是否已损坏或加密，或是其他服务的地址？</translation>
    </message>
    <message>
        <source>{name} did not answer and was given up.</source>
        <translation>{name} 没有响应，已放弃。</translation>
    </message>
    <message>
        <source>{name} gave no answer within {answer_s:g} s. Is its drive or network share still connected?</source>
        <translation>{name} 在 {answer_s:g} 秒内没有响应。其驱动器或网络共享仍连接着吗？</translation>
    </message>
    <message>
        <source>Is another program using it? Your user needs access to it (group &apos;video&apos;).</source>
        <translation>是否有其他程序在使用它？您的用户需要访问权限（“video”组）。</translation>
    </message>
    <message>
        <source>Allow the camera for this app in System Settings &gt; Privacy &amp; Security &gt; Camera, and close other programs that use it.</source>
        <translation>请在“系统设置”&gt;“隐私与安全性”&gt;“摄像头”中允许本应用使用，并关闭正在使用它的其他程序。</translation>
    </message>
    <message>
        <source>Allow desktop apps to use the camera in Settings &gt; Privacy &amp; security &gt; Camera, and close other programs that use it.</source>
        <translation>请在“设置”&gt;“隐私和安全性”&gt;“相机”中允许桌面应用使用相机，并关闭正在使用它的其他程序。</translation>
    </message>
    <message>
        <source>{title} is not open.</source>
        <translation>{title} 未打开。</translation>
    </message>
    <message>
        <source>{title} is live and cannot be searched.</source>
        <translation>{title} 是实时来源，无法跳转。</translation>
    </message>
    <message>
        <source>{title} could not be opened.</source>
        <translation>无法打开 {title}。</translation>
    </message>
    <message>
        <source>{title} delivers no more pictures. Was it unplugged?</source>
        <translation>{title} 不再提供画面。它被拔出了吗？</translation>
    </message>
    <message>
        <source>There is no {node}. Is it plugged in?</source>
        <translation>没有 {node}。它插好了吗？</translation>
    </message>
    <message>
        <source>You may not use {node}: your user needs to be in the group &apos;video&apos;.</source>
        <translation>您无权使用 {node}：您的用户需要在“video”组中。</translation>
    </message>
    <message>
        <source>Is it plugged in?</source>
        <translation>它插好了吗？</translation>
    </message>
    <message>
        <source>choose a video, or a folder of pictures</source>
        <translation>请选择视频或图片文件夹</translation>
    </message>
    <message>
        <source>{name} is a text, not a video; {instead}.</source>
        <translation>{name} 是文本，不是视频；{instead}。</translation>
    </message>
    <message>
        <source>{name} is a single picture; {instead}.</source>
        <translation>{name} 是单张图片；{instead}。</translation>
    </message>
    <message>
        <source>only sound</source>
        <translation>只有声音</translation>
    </message>
    <message>
        <source>no video</source>
        <translation>没有视频</translation>
    </message>
    <message>
        <source>{name} holds {held}; choose a file with a picture.</source>
        <translation>{name} 中{held}；请选择有画面的文件。</translation>
    </message>
    <message>
        <source>{name} has a coding that this app cannot decode.</source>
        <translation>{name} 的编码本应用无法解码。</translation>
    </message>
    <message>
        <source>{name} has pictures of {width} x {height}, more than {max_pixels} million pixels: they would fill the memory. Choose a smaller version of it.</source>
        <translation>{name} 的画面为 {width} x {height}，超过 {max_pixels} 百万像素：会占满内存。请选择较小的版本。</translation>
    </message>
    <message>
        <source>The demo clip {name} is missing from this installation; install the app again, or open a video file.</source>
        <translation>此安装中缺少演示片段 {name}；请重新安装应用，或打开视频文件。</translation>
    </message>
    <message>
        <source>{name}: {count} damaged part(s) could not be decoded.</source>
        <translation>{name}：有 {count} 处损坏的部分无法解码。</translation>
    </message>
    <message>
        <source>{name} ends at {cut_off_at_s:.1f} s although it states {stated_end_s:.1f} s: it seems to be cut off.</source>
        <translation>{name} 标称 {stated_end_s:.1f} 秒，却在 {cut_off_at_s:.1f} 秒结束：似乎被截断。</translation>
    </message>
    <message>
        <source>{name} contains no picture that can be decoded. Is the file damaged?</source>
        <translation>{name} 不含可解码的画面。文件损坏了吗？</translation>
    </message>
    <message>
        <source>{name} is a device or pipe, not a video file.</source>
        <translation>{name} 是设备或管道，不是视频文件。</translation>
    </message>
    <message>
        <source>{name} is empty (0 bytes). Was it copied completely?</source>
        <translation>{name} 为空（0 字节）。是否复制完整？</translation>
    </message>
    <message>
        <source>{name} does not exist. Was it moved or renamed?</source>
        <translation>{name} 不存在。是否已移动或重命名？</translation>
    </message>
    <message>
        <source>{name} may not be read by you; check its permissions.</source>
        <translation>您无权读取 {name}；请检查其权限。</translation>
    </message>
    <message>
        <source>{name} cannot be read: {reason}.</source>
        <translation>无法读取 {name}：{reason}。</translation>
    </message>
    <message>
        <source>{name} can no longer be read. Is the drive still there?</source>
        <translation>无法再读取 {name}。驱动器还在吗？</translation>
    </message>
    <message>
        <source>{name} is not a video that can be read, or it is damaged (a recording that was interrupted has no index).</source>
        <translation>{name} 不是可读取的视频，或已损坏（中断的录像没有索引）。</translation>
    </message>
    <message>
        <source>{name} needs more memory than is available; choose a file with smaller pictures.</source>
        <translation>{name} 需要的内存超过可用内存；请选择画面较小的文件。</translation>
    </message>
    <message>
        <source>{name} holds pictures that this app does not read ({unread}). Convert them to JPEG or PNG, or choose a video.</source>
        <translation>{name} 中的图片本应用不能读取（{unread}）。请转换为 JPEG 或 PNG，或选择视频。</translation>
    </message>
    <message>
        <source>{name} is a folder without pictures that make a video; choose a video file in it.</source>
        <translation>{name} 文件夹中没有可组成视频的图片；请选择其中的视频文件。</translation>
    </message>
    <message>
        <source>{name} is a single picture ({form}); {instead}.</source>
        <translation>{name} 是单张图片（{form}）；{instead}。</translation>
    </message>
    <message>
        <source>{name} is a single picture ({form}), which this app does not read; {instead}.</source>
        <translation>{name} 是本应用不能读取的单张图片（{form}）；{instead}。</translation>
    </message>
    <message>
        <source>A rate is more than 0 and at most {max_rate:g} pictures a second, not {rate:g}.</source>
        <translation>每秒图片数应大于 0 且不超过 {max_rate:g}，而不是 {rate:g}。</translation>
    </message>
    <message>
        <source>{name}: {missing} pictures are missing in the count (first {first}); the one before is shown instead.</source>
        <translation>{name}：编号中缺少 {missing} 张图片（第一张为 {first}）；以前一张代替显示。</translation>
    </message>
    <message>
        <source>{name}: 1 picture is missing in the count ({first}); the one before is shown instead.</source>
        <translation>{name}：编号中缺少 1 张图片（{first}）；以前一张代替显示。</translation>
    </message>
    <message>
        <source>{name}: {count} of {total} pictures cannot be read (first {first}).</source>
        <translation>{name}：{total} 张图片中有 {count} 张无法读取（第一张为 {first}）。</translation>
    </message>
    <message>
        <source>{name}: {count} of {total} pictures have another size and are fitted into {width} x {height}.</source>
        <translation>{name}：{total} 张图片中有 {count} 张尺寸不同，已适配为 {width} x {height}。</translation>
    </message>
    <message>
        <source>{path} does not exist. Was it moved or renamed?</source>
        <translation>{path} 不存在。是否已移动或重命名？</translation>
    </message>
    <message>
        <source>No picture is named like {name} in {parent}.</source>
        <translation>{parent} 中没有像 {name} 那样命名的图片。</translation>
    </message>
    <message>
        <source>None of the pictures in {name} can be read, not even {why}.</source>
        <translation>{name} 中的图片都无法读取，连 {why} 也不行。</translation>
    </message>
    <message>
        <source>an HLS playlist</source>
        <translation>HLS 播放列表</translation>
    </message>
    <message>
        <source>a playlist (M3U)</source>
        <translation>播放列表（M3U）</translation>
    </message>
    <message>
        <source>a playlist (PLS)</source>
        <translation>播放列表（PLS）</translation>
    </message>
    <message>
        <source>a playlist (ASX)</source>
        <translation>播放列表（ASX）</translation>
    </message>
    <message>
        <source>a playlist (XSPF)</source>
        <translation>播放列表（XSPF）</translation>
    </message>
    <message>
        <source>a DASH manifest</source>
        <translation>DASH 清单</translation>
    </message>
    <message>
        <source>a list of pieces (ffconcat)</source>
        <translation>分段列表（ffconcat）</translation>
    </message>
    <message>
        <source>the description of a live stream (SDP)</source>
        <translation>实时流的描述（SDP）</translation>
    </message>
    <message>
        <source>This app does not read DASH; open the video itself, or its HLS address (.m3u8).</source>
        <translation>本应用不能读取 DASH；请打开视频本身，或其 HLS 地址（.m3u8）。</translation>
    </message>
    <message>
        <source>Open the sender&apos;s own address, such as rtsp://host/path or udp://@:port.</source>
        <translation>请打开发送方自己的地址，例如 rtsp://host/path 或 udp://@:port。</translation>
    </message>
    <message>
        <source>Open what it names instead: {shown}.</source>
        <translation>请改为打开其中列出的内容：{shown}。</translation>
    </message>
    <message>
        <source>Open what it names instead: {shown}; it names {count}.</source>
        <translation>请改为打开其中列出的内容：{shown}；共列出 {count} 个。</translation>
    </message>
    <message>
        <source>It names nothing.</source>
        <translation>其中没有列出任何内容。</translation>
    </message>
    <message>
        <source>{name} refers to the network ({url}); open that address instead.</source>
        <translation>{name} 指向网络（{url}）；请改为打开该地址。</translation>
    </message>
    <message>
        <source>{name} names {target}, which does not exist or is not a file.</source>
        <translation>{name} 列出的 {target} 不存在，或不是文件。</translation>
    </message>
    <message>
        <source>{name} names another list, {target}; name the videos themselves.</source>
        <translation>{name} 列出了另一个列表 {target}；请直接列出视频。</translation>
    </message>
    <message>
        <source>{name} is a playlist that leads back to itself: it names no video.</source>
        <translation>{name} 是指回自身的播放列表：没有列出视频。</translation>
    </message>
    <message>
        <source>None of the {count} playlists that {name} names exists. Copy them beside it.</source>
        <translation>{name} 列出的 {count} 个播放列表都不存在。请将它们复制到它旁边。</translation>
    </message>
    <message>
        <source>none of the {missing} pieces that it names exists</source>
        <translation>列出的 {missing} 个分段都不存在</translation>
    </message>
    <message>
        <source>it names no pieces</source>
        <translation>没有列出分段</translation>
    </message>
    <message>
        <source>{name} cannot be played: {what}.</source>
        <translation>无法播放 {name}：{what}。</translation>
    </message>
    <message>
        <source>{name}: {missing} of {total} pieces are missing.</source>
        <translation>{name}：{total} 个分段中缺少 {missing} 个。</translation>
    </message>
    <message>
        <source>{name} needs {target} to be decoded, but that does not exist.</source>
        <translation>解码 {name} 需要 {target}，但它不存在。</translation>
    </message>
    <message>
        <source>{name} is a list of more than {largest} MB: it is not played.</source>
        <translation>{name} 是超过 {largest} MB 的列表：不予播放。</translation>
    </message>
    <message>
        <source>{name} gives no preview of {t_s:.1f} s: {error}.</source>
        <translation>{name} 无法给出 {t_s:.1f} 秒处的预览：{error}。</translation>
    </message>
    <message>
        <source>URLs need the package fsspec. Install it: pip install &apos;slowfast-live[cluster]&apos;</source>
        <translation>URL 需要软件包 fsspec。安装：pip install &apos;slowfast-live[cluster]&apos;</translation>
    </message>
    <message>
        <source>{url} is no URL of a known kind: {error}.</source>
        <translation>{url} 不是已知类型的 URL：{error}。</translation>
    </message>
    <message>
        <source>{url} cannot be fetched: {reason}.</source>
        <translation>无法获取 {url}：{reason}。</translation>
    </message>
    <message>
        <source>the server sent nothing for {seconds} s</source>
        <translation>服务器在 {seconds} 秒内没有发送任何内容</translation>
    </message>
    <message>
        <source>nothing is found there. Check the address, and whether its server can be reached</source>
        <translation>那里什么也没有找到。请检查地址，以及能否连接其服务器</translation>
    </message>
    <message>
        <source>the server redirects in a circle</source>
        <translation>服务器的重定向形成循环</translation>
    </message>
    <message>
        <source>the server sent less than it announced. Try again</source>
        <translation>服务器发送的内容少于其声明的长度。请重试</translation>
    </message>
    <message>
        <source>the server answered with an error ({error}). Give a user name and password: http://user:password@host/...</source>
        <translation>服务器返回错误({error})。请给出用户名和密码：http://user:password@host/...</translation>
    </message>
    <message>
        <source>the server answered with an error ({error})</source>
        <translation>服务器返回错误({error})</translation>
    </message>
    <message>
        <source>There is no screen {screen}. Expected a number that is here: {there}.</source>
        <translation>没有屏幕 {screen}。现有编号：{there}。</translation>
    </message>
    <message>
        <source>{title} does not lie on the screen, which is {width} × {height} pixels.</source>
        <translation>{title} 不在屏幕上，屏幕为 {width} × {height} 像素。</translation>
    </message>
    <message>
        <source>{title} can no longer be captured: {error}.</source>
        <translation>无法再捕捉 {title}：{error}。</translation>
    </message>
    <message>
        <source>The screen cannot be captured in a Wayland session, because Wayland lets no program read what others show. Log in to an X11 (Xorg) session, or let a program such as OBS offer the screen as a virtual camera and choose that camera here.</source>
        <translation>在 Wayland 会话中无法捕捉屏幕，因为 Wayland 不允许程序读取其他程序显示的内容。请登录 X11 (Xorg) 会话，或用 OBS 之类的程序将屏幕作为虚拟摄像头提供，并在此选择该摄像头。</translation>
    </message>
    <message>
        <source>Expected &quot;screen&quot;, &quot;screen:2&quot;, &quot;screen:0&quot; (all screens), &quot;screen:1:LEFT,TOP,WIDTH,HEIGHT&quot; or &quot;screen:window:TITLE&quot;.</source>
        <translation>应为 &quot;screen&quot;、&quot;screen:2&quot;、&quot;screen:0&quot;（所有屏幕）、&quot;screen:1:LEFT,TOP,WIDTH,HEIGHT&quot; 或 &quot;screen:window:TITLE&quot;。</translation>
    </message>
    <message>
        <source>No title of a window is given. {expected}</source>
        <translation>未指定窗口标题。{expected}</translation>
    </message>
    <message>
        <source>&apos;screen:{text}&apos; names no screen. {expected}</source>
        <translation>“screen:{text}”不是屏幕。{expected}</translation>
    </message>
    <message>
        <source>The region {width} × {height} is too small: expected at least {smallest} × {smallest} pixels.</source>
        <translation>区域 {width} × {height} 太小：应至少为 {smallest} × {smallest} 像素。</translation>
    </message>
    <message>
        <source>The screen cannot be captured: there is none (the variable DISPLAY is not set).</source>
        <translation>无法捕捉屏幕：没有屏幕（未设置变量 DISPLAY）。</translation>
    </message>
    <message>
        <source>Capturing the screen needs the package mss, which is missing: pip install mss.</source>
        <translation>捕捉屏幕需要软件包 mss，但尚未安装：pip install mss。</translation>
    </message>
    <message>
        <source>The screen cannot be captured: {error}.</source>
        <translation>无法捕捉屏幕：{error}。</translation>
    </message>
    <message>
        <source>Single windows cannot be captured on this system; choose a screen or a region of it.</source>
        <translation>此系统无法捕捉单个窗口；请选择屏幕或其中的区域。</translation>
    </message>
    <message>
        <source>No window whose title contains &apos;{title}&apos; is on the screen (closed or minimized?). Open: {there}.</source>
        <translation>屏幕上没有标题含“{title}”的窗口（已关闭或最小化？）。已打开：{there}。</translation>
    </message>
    <message>
        <source>Listing windows needs the package python-xlib, which is missing: pip install python-xlib.</source>
        <translation>列出窗口需要软件包 python-xlib，但尚未安装：pip install python-xlib。</translation>
    </message>
    <message>
        <source>The windows cannot be listed: {problem}.</source>
        <translation>无法列出窗口：{problem}。</translation>
    </message>
    <message>
        <source>The window manager does not list its windows (_NET_CLIENT_LIST); choose a screen or a region of it.</source>
        <translation>窗口管理器没有列出其窗口（_NET_CLIENT_LIST）；请选择屏幕或其中的区域。</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} 不是文件。</translation>
    </message>
    <message>
        <source>{name} is not a picture that can be read.</source>
        <translation>{name} 不是可读取的图片。</translation>
    </message>
    <message>
        <source>{name} cannot be read as a picture: {error}.</source>
        <translation>无法将 {name} 作为图片读取：{error}。</translation>
    </message>
    <message>
        <source>{name} is larger than {max_pixels} million pixels: it would fill the memory.</source>
        <translation>{name} 超过 {max_pixels} 百万像素：会占满内存。</translation>
    </message>
    <message>
        <source>{name} ended before its first picture.</source>
        <translation>{name} 在第一帧画面之前就结束了。</translation>
    </message>
    <message>
        <source>{name} has ended: the sender closed the connection.</source>
        <translation>{name} 已结束：发送方关闭了连接。</translation>
    </message>
    <message>
        <source>{name} is a live stream and cannot be searched.</source>
        <translation>{name} 是实时流，无法跳转。</translation>
    </message>
    <message>
        <source>{name} ended early: the server sent less than it announced.</source>
        <translation>{name} 提前结束：服务器发送的内容少于其声明的长度。</translation>
    </message>
    <message>
        <source>{name} sends no picture that can be decoded since {silence_s:g} s.</source>
        <translation>{name} 已有 {silence_s:g} 秒没有发送可解码的画面。</translation>
    </message>
    <message>
        <source>{name} did not answer within {seconds:g} s. Is the sender running and reachable?</source>
        <translation>{name} 未在 {seconds:g} 秒内响应。发送方是否在运行且可以连接？</translation>
    </message>
    <message>
        <source>{name} fell silent: no data for {seconds:g} s.</source>
        <translation>{name} 没有动静：已有 {seconds:g} 秒没有数据。</translation>
    </message>
    <message>
        <source>{name} refused the connection. Is the sender running, and is the port right?</source>
        <translation>{name} 拒绝连接。发送方是否在运行，端口是否正确？</translation>
    </message>
    <message>
        <source>{name} refuses the user name and password given in the address.</source>
        <translation>{name} 拒绝地址中给出的用户名和密码。</translation>
    </message>
    <message>
        <source>{name} asks for a user name and password: {scheme}://user:password@host/...</source>
        <translation>{name} 需要用户名和密码：{scheme}://user:password@host/...</translation>
    </message>
    <message>
        <source>{name}: the server answered with an error ({error}). Is the address right?</source>
        <translation>{name}：服务器返回错误（{error}）。地址正确吗？</translation>
    </message>
    <message>
        <source>{name} answers, but not as {protocol} server does. Is the port right?</source>
        <translation>{name} 有响应，但不像是 {protocol} 服务器。端口正确吗？</translation>
    </message>
    <message>
        <source>{name} sends no video that can be read.</source>
        <translation>{name} 没有发送可读取的视频。</translation>
    </message>
    <message>
        <source>{name} could not be opened: {error}.</source>
        <translation>无法打开 {name}：{error}。</translation>
    </message>
    <message>
        <source>{name} broke off: {error}.</source>
        <translation>{name} 已中断：{error}。</translation>
    </message>
    <message>
        <source>1 copy with labels drawn in by this program was left out: {names}.</source>
        <translation>已略过 1 个由本程序绘制了标签的副本：{names}。</translation>
    </message>
    <message>
        <source>{count} copies with labels drawn in by this program were left out: {names}.</source>
        <translation>已略过 {count} 个由本程序绘制了标签的副本：{names}。</translation>
    </message>
    <message>
        <source>No video was found in {places}.{notes} Looked for {video_suffixes}.</source>
        <translation>在 {places} 中没有找到视频。{notes}查找的格式：{video_suffixes}。</translation>
    </message>
    <message>
        <source>{path} is a link to {target}, which does not exist.</source>
        <translation>{path} 是指向不存在的 {target} 的链接。</translation>
    </message>
    <message>
        <source>There is no file or folder {path}.</source>
        <translation>没有文件或文件夹 {path}。</translation>
    </message>
    <message>
        <source>The folder {folder} cannot be read: {reason}.</source>
        <translation>无法读取文件夹 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>“{name}”</source>
        <translation>“{name}”</translation>
    </message>
    <message>
        <source>“none of these”</source>
        <translation>“以上都不是”</translation>
    </message>
    <message>
        <source>{names} and {last}</source>
        <translation>{names}和{last}</translation>
    </message>
    <message>
        <source>1 take</source>
        <translation>1 个示例</translation>
    </message>
    <message>
        <source>{count} takes</source>
        <translation>{count} 个示例</translation>
    </message>
    <message>
        <source>It cannot be tested yet: each action has one take only.</source>
        <translation>还无法测试：每个动作只有一个示例。</translation>
    </message>
    <message>
        <source>It works well: {right} of {takes} that it had not seen got their action.</source>
        <translation>效果很好：未用于学习的 {takes}中，有 {right} 个识别正确。</translation>
    </message>
    <message>
        <source>It works in most cases: {right} of {takes} that it had not seen got their action.</source>
        <translation>多数情况下有效：未用于学习的 {takes}中，有 {right} 个识别正确。</translation>
    </message>
    <message>
        <source>It does not work well yet: {right} of {takes} that it had not seen got their action.</source>
        <translation>效果还不好：未用于学习的 {takes}中，有 {right} 个识别正确。</translation>
    </message>
    <message>
        <source>{name} has one take only, so nothing is known about it: add two more of each.</source>
        <translation>{name}只有一个示例，效果未知：请再添加两个。</translation>
    </message>
    <message>
        <source>{names} have one take only, so nothing is known about them: add two more of each.</source>
        <translation>{names}各只有一个示例，效果未知：请各再添加两个。</translation>
    </message>
    <message>
        <source>{first} and {second} are mixed up in {count} of {takes}: add two more of each.</source>
        <translation>{takes}中有 {count} 个把{first}和{second}混淆：请各再添加两个。</translation>
    </message>
    <message>
        <source>{name} is taken for {nothing} in {count} of {takes}: add two more in which it fills the whole time.</source>
        <translation>{takes}中有 {count} 个把{name}当成{nothing}：请再添加两个动作贯穿始终的示例。</translation>
    </message>
    <message>
        <source>{name} is recognized with low scores only and will often not be shown: add takes.</source>
        <translation>{name}只能以低分识别，常常不会显示：请添加示例。</translation>
    </message>
    <message>
        <source>There is no example of “none of these”, so anything may be taken for an action. Add some: sitting down, walking past, whatever else happens there.</source>
        <translation>没有“以上都不是”的示例，因此任何举动都可能被当成动作。请添加一些：坐下、走过，以及那里会发生的其他事情。</translation>
    </message>
    <message>
        <source>Of something else, {share:.0%} is shown as no action.</source>
        <translation>其他举动中有 {share:.0%} 显示为没有动作。</translation>
    </message>
    <message>
        <source>{nothing} is taken for {name} in {count} of {takes}: add more of it.</source>
        <translation>{takes}中有 {count} 个把{nothing}当成{name}：请多添加一些。</translation>
    </message>
    <message>
        <source>{names} would gain from at least {enough} takes, each in another place or by another person.</source>
        <translation>{names}最好各有至少 {enough} 个示例，且在不同地点或由不同的人完成。</translation>
    </message>
    <message>
        <source>“{title}” gives several answers at once, so its actions cannot stand beside yours, of which one is right. Leave its actions out, or choose another model.</source>
        <translation>“{title}”会同时给出多个答案，因此其动作不能与您的动作并列，后者只有一个是对的。请不保留其动作，或选择其他模型。</translation>
    </message>
    <message>
        <source>To keep the actions of “{title}” beside yours, examples of “none of these” are needed: they show when to leave the answer to it. Add some, or leave its actions out.</source>
        <translation>要在您的动作之外保留“{title}”的动作，需要“以上都不是”的示例：它们表明何时由该模型作答。请添加一些，或不保留其动作。</translation>
    </message>
    <message>
        <source>The taught model has no name. Give it one.</source>
        <translation>所教的模型没有名称。请为它命名。</translation>
    </message>
    <message>
        <source>“{title}” is a taught model itself, so there are no actions of a base model to keep. Choose the model that it was taught on, or leave its actions out.</source>
        <translation>“{title}”本身就是所教的模型，没有基础模型的动作可保留。请选择它所基于的模型，或不保留其动作。</translation>
    </message>
    <message>
        <source>{target} exists and is not a taught model. It is left as it is; choose another name.</source>
        <translation>{target} 已存在，且不是所教的模型。它保持不变；请选择其他名称。</translation>
    </message>
    <message>
        <source>{target} cannot be written. Is the disk full?</source>
        <translation>无法写入 {target}。磁盘已满吗？</translation>
    </message>
    <message>
        <source>No pictures came from {source} meanwhile. Check the source, and take the example again.</source>
        <translation>在此期间没有收到来自 {source} 的画面。请检查来源，然后重新录制示例。</translation>
    </message>
    <message>
        <source>{path}{where} is a single picture or none; expected a moving one.</source>
        <translation>{path}{where} 只有一张图片或没有画面；应为动态画面。</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; cannot be taught: its last layer is not a linear classifier on pooled features. Choose another model to build on.</source>
        <translation>模型“{name}”无法教：其最后一层不是池化特征上的线性分类器。请选择其他基础模型。</translation>
    </message>
    <message>
        <source>There is no example of an action yet. Add an action, and take two examples of it at least.</source>
        <translation>还没有动作的示例。请添加一个动作，并至少录制两个示例。</translation>
    </message>
    <message>
        <source>“{labels}” is the only action, and there is no example of “none of these”: nothing to tell it apart from. Add another action, or some examples of “none of these”.</source>
        <translation>“{labels}”是唯一的动作，又没有“以上都不是”的示例：没有可与之区分的内容。请添加另一个动作，或一些“以上都不是”的示例。</translation>
    </message>
    <message>
        <source>The examples were taken with {count} different models; features of one mean nothing to another. Remove those of the other model, or take them again.</source>
        <translation>这些示例是用 {count} 个不同的模型录制的；一个模型的特征对另一个没有意义。请删除另一模型的示例，或重新录制。</translation>
    </message>
    <message>
        <source>The examples have features of different length. Remove those of the other model.</source>
        <translation>这些示例的特征长度不同。请删除另一模型的示例。</translation>
    </message>
    <message>
        <source>The model of {path} cannot be added to {output}: {reason}</source>
        <translation>无法将 {path} 中的模型添加到 {output}：{reason}</translation>
    </message>
    <message>
        <source>{path} is not a shared model, or is damaged: {error}. Ask for it again.</source>
        <translation>{path} 不是共享的模型，或已损坏：{error}。请重新索取。</translation>
    </message>
    <message>
        <source>{path} is not a shared model: expected {largest} in it, found {shown}.</source>
        <translation>{path} 不是共享的模型：其中应有 {largest}，却有 {shown}。</translation>
    </message>
    <message>
        <source>{path} is not opened: {name} in it is larger than {largest:.0f} MB.</source>
        <translation>未打开 {path}：其中的 {name} 大于 {largest:.0f} MB。</translation>
    </message>
    <message>
        <source>none of these</source>
        <translation>以上都不是</translation>
    </message>
    <message>
        <source>The example {id} of “{name}” is damaged: its values are not finite.</source>
        <translation>“{name}”的示例 {id} 已损坏：其值不是有限的。</translation>
    </message>
    <message>
        <source>{path} cannot be removed: {reason}.</source>
        <translation>无法删除 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Remove it, and take the example again.</source>
        <translation>请将其删除，然后重新录制示例。</translation>
    </message>
    <message>
        <source>The example {path} is too large: more than {largest_bytes:.0f} MB. {advice}</source>
        <translation>示例 {path} 太大：超过 {largest_bytes:.0f} MB。{advice}</translation>
    </message>
    <message>
        <source>The example {path} cannot be read: {reason}.</source>
        <translation>无法读取示例 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} is not an example: it does not begin as expected. {advice}</source>
        <translation>{path} 不是示例：其开头与预期不符。{advice}</translation>
    </message>
    <message>
        <source>The example {path} is damaged: {error}. {advice}</source>
        <translation>示例 {path} 已损坏：{error}。{advice}</translation>
    </message>
    <message>
        <source>The example {path} was renamed: it calls itself {id}. Give it that name again.</source>
        <translation>示例 {path} 已被重命名：它自称 {id}。请改回该名称。</translation>
    </message>
    <message>
        <source>The examples were taken with the model &apos;{base}&apos;, which is gone or was built anew, and no model that was taught on it is left. The examples are kept: bring that model back, or take new examples with another one.</source>
        <translation>这些示例是用模型“{base}”录制的，它已不存在或已重新构建，且没有留下基于它教的模型。示例会保留：请恢复该模型，或用另一个模型录制新示例。</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>退出代码 {code}</translation>
    </message>
    <message>
        <source>it crashed or was killed</source>
        <translation>它崩溃或被终止</translation>
    </message>
</context>
<context>
    <name>actions</name>
    <message>
        <source>waving hand</source>
        <translation>单手挥动</translation>
    </message>
    <message>
        <source>waving both hands</source>
        <translation>双手挥动</translation>
    </message>
    <message>
        <source>clapping</source>
        <translation>拍手</translation>
    </message>
    <message>
        <source>jumping jacks</source>
        <translation>开合跳</translation>
    </message>
    <message>
        <source>squat</source>
        <translation>深蹲</translation>
    </message>
    <message>
        <source>bending</source>
        <translation>弯腰</translation>
    </message>
    <message>
        <source>walking</source>
        <translation>走路</translation>
    </message>
    <message>
        <source>running</source>
        <translation>跑步</translation>
    </message>
    <message>
        <source>punching</source>
        <translation>出拳</translation>
    </message>
    <message>
        <source>push up</source>
        <translation>俯卧撑</translation>
    </message>
    <message>
        <source>jumping</source>
        <translation>跳跃</translation>
    </message>
    <message>
        <source>arm circles</source>
        <translation>绕臂</translation>
    </message>
    <message>
        <source>kicking</source>
        <translation>踢腿</translation>
    </message>
    <message>
        <source>lunge</source>
        <translation>弓步</translation>
    </message>
    <message>
        <source>side stretch</source>
        <translation>侧拉伸</translation>
    </message>
    <message>
        <source>bicep curl</source>
        <translation>弯举</translation>
    </message>
    <message>
        <source>standing still</source>
        <translation>静止站立</translation>
    </message>
    <message>
        <source>sitting still</source>
        <translation>静坐</translation>
    </message>
</context>
</TS>
