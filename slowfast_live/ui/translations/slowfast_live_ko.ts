<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ko_KR">
<context>
    <name></name>
    <message>
        <source>Tables</source>
        <translation>표</translation>
    </message>
    <message>
        <source>CSV, for spreadsheets</source>
        <translation>CSV, 스프레드시트용</translation>
    </message>
    <message>
        <source>Subtitles, for players</source>
        <translation>자막, 플레이어용</translation>
    </message>
    <message>
        <source>Subtitles, for browsers</source>
        <translation>자막, 브라우저용</translation>
    </message>
    <message>
        <source>Drop videos and folders here</source>
        <translation>동영상과 폴더를 여기에 놓으세요</translation>
    </message>
    <message>
        <source>Analyze files</source>
        <translation>파일 분석</translation>
    </message>
    <message>
        <source>Files and folders to analyze</source>
        <translation>분석할 파일과 폴더</translation>
    </message>
    <message>
        <source>Drop videos and folders here; Del removes one</source>
        <translation>동영상과 폴더를 여기에 놓으세요. Del 키로 제거합니다</translation>
    </message>
    <message>
        <source>Add files…</source>
        <translation>파일 추가…</translation>
    </message>
    <message>
        <source>Choose video files</source>
        <translation>동영상 파일 선택</translation>
    </message>
    <message>
        <source>Add folder…</source>
        <translation>폴더 추가…</translation>
    </message>
    <message>
        <source>Choose a folder; all videos in it are analyzed</source>
        <translation>폴더를 선택합니다. 안의 모든 동영상을 분석합니다</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>제거</translation>
    </message>
    <message>
        <source>Remove the selected entries from the list</source>
        <translation>선택한 항목을 목록에서 제거합니다</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>Model that recognizes actions in the videos</source>
        <translation>동영상에서 동작을 인식하는 모델</translation>
    </message>
    <message>
        <source>Time between predictions</source>
        <translation>예측 간격</translation>
    </message>
    <message>
        <source>Seconds of video from one prediction to the next</source>
        <translation>한 예측에서 다음 예측까지의 동영상 시간(초)</translation>
    </message>
    <message>
        <source>Video with labels</source>
        <translation>라벨을 넣은 동영상</translation>
    </message>
    <message>
        <source>Also write a copy of each video with its labels; takes longer</source>
        <translation>라벨을 넣은 동영상 사본도 저장합니다. 시간이 더 걸립니다</translation>
    </message>
    <message>
        <source>Folder of the results</source>
        <translation>결과 폴더</translation>
    </message>
    <message>
        <source>Folder for the results; a stopped analysis in it is continued</source>
        <translation>결과를 저장할 폴더. 중단된 분석이 있으면 이어서 진행합니다</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>선택…</translation>
    </message>
    <message>
        <source>Choose the folder for the results</source>
        <translation>결과 폴더를 선택합니다</translation>
    </message>
    <message>
        <source>This file</source>
        <translation>이 파일</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>모든 파일</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>결과</translation>
    </message>
    <message>
        <source>What was found in each file</source>
        <translation>각 파일에서 찾은 내용</translation>
    </message>
    <message>
        <source>Analyze</source>
        <translation>분석</translation>
    </message>
    <message>
        <source>Start; files that are already done are skipped</source>
        <translation>시작합니다. 이미 끝난 파일은 건너뜁니다</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>취소</translation>
    </message>
    <message>
        <source>Stop; finished results are kept</source>
        <translation>중지합니다. 끝난 결과는 남습니다</translation>
    </message>
    <message>
        <source>Open report</source>
        <translation>보고서 열기</translation>
    </message>
    <message>
        <source>Show the report in the browser</source>
        <translation>브라우저에서 보고서를 봅니다</translation>
    </message>
    <message>
        <source>Show folder</source>
        <translation>폴더 열기</translation>
    </message>
    <message>
        <source>Open the folder of the results</source>
        <translation>결과 폴더를 엽니다</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Close; a running analysis continues (Esc)</source>
        <translation>닫습니다. 진행 중인 분석은 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>predict every</source>
        <translation>예측 간격</translation>
    </message>
    <message>
        <source>Write</source>
        <translation>저장 형식</translation>
    </message>
    <message>
        <source>To</source>
        <translation>위치</translation>
    </message>
    <message>
        <source>Add a folder</source>
        <translation>폴더 추가</translation>
    </message>
    <message>
        <source>Looking for videos</source>
        <translation>동영상을 찾는 중</translation>
    </message>
    <message>
        <source>Stopping; finished results are kept</source>
        <translation>중지하는 중. 끝난 결과는 남습니다</translation>
    </message>
    <message>
        <source>Add videos</source>
        <translation>동영상 추가</translation>
    </message>
    <message>
        <source> ({number} of {files})</source>
        <translation> ({number}/{files})</translation>
    </message>
    <message>
        <source>SlowFast Live analysis</source>
        <translation>SlowFast Live 분석</translation>
    </message>
    <message>
        <source>About SlowFast Live</source>
        <translation>SlowFast Live 정보</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>버전 {version}</translation>
    </message>
    <message>
        <source>Live action recognition for webcams and video files. Everything stays on this machine.</source>
        <translation>웹캠과 동영상 파일의 실시간 동작 인식. 모든 것이 이 컴퓨터에만 남습니다.</translation>
    </message>
    <message>
        <source>Facts for support</source>
        <translation>지원용 정보</translation>
    </message>
    <message>
        <source>Licenses</source>
        <translation>라이선스</translation>
    </message>
    <message>
        <source>For support</source>
        <translation>지원용</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>페이지</translation>
    </message>
    <message>
        <source>Copy what support needs</source>
        <translation>지원에 필요한 정보 복사</translation>
    </message>
    <message>
        <source>Copy these facts; they contain no file names or addresses</source>
        <translation>이 정보를 복사합니다. 파일 이름이나 주소는 들어 있지 않습니다</translation>
    </message>
    <message>
        <source>Close this dialog (Esc)</source>
        <translation>이 대화 상자를 닫습니다 (Esc)</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>복사됨</translation>
    </message>
    <message>
        <source>Use the camera</source>
        <translation>카메라 사용</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>소스</translation>
    </message>
    <message>
        <source>Open the first camera</source>
        <translation>첫 번째 카메라를 엽니다</translation>
    </message>
    <message>
        <source>Open file…</source>
        <translation>파일 열기…</translation>
    </message>
    <message>
        <source>Open a video file</source>
        <translation>동영상 파일을 엽니다</translation>
    </message>
    <message>
        <source>Open folder of images…</source>
        <translation>이미지 폴더 열기…</translation>
    </message>
    <message>
        <source>Play the images of a folder as a video, at a rate of your choice</source>
        <translation>폴더의 이미지를 원하는 속도의 동영상으로 재생합니다</translation>
    </message>
    <message>
        <source>Open stream URL…</source>
        <translation>스트림 URL 열기…</translation>
    </message>
    <message>
        <source>Open an RTSP, HTTP or TCP stream</source>
        <translation>RTSP, HTTP 또는 TCP 스트림을 엽니다</translation>
    </message>
    <message>
        <source>Watch the screen…</source>
        <translation>화면 보기…</translation>
    </message>
    <message>
        <source>Watch a screen, a region of it or a window</source>
        <translation>화면, 화면의 일부 또는 창을 봅니다</translation>
    </message>
    <message>
        <source>Queue of files…</source>
        <translation>파일 대기열…</translation>
    </message>
    <message>
        <source>Play several files one after the other</source>
        <translation>여러 파일을 차례로 재생합니다</translation>
    </message>
    <message>
        <source>Next file</source>
        <translation>다음 파일</translation>
    </message>
    <message>
        <source>Play the next file of the queue</source>
        <translation>대기열의 다음 파일을 재생합니다</translation>
    </message>
    <message>
        <source>Previous file</source>
        <translation>이전 파일</translation>
    </message>
    <message>
        <source>Play the previous file of the queue</source>
        <translation>대기열의 이전 파일을 재생합니다</translation>
    </message>
    <message>
        <source>Play the demo</source>
        <translation>데모 재생</translation>
    </message>
    <message>
        <source>Play the clip that comes with the app</source>
        <translation>앱에 포함된 클립을 재생합니다</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>다시 시도</translation>
    </message>
    <message>
        <source>Try to open the source again</source>
        <translation>소스를 다시 엽니다</translation>
    </message>
    <message>
        <source>Sessions…</source>
        <translation>세션…</translation>
    </message>
    <message>
        <source>Open, rename and delete earlier sessions</source>
        <translation>이전 세션을 열고, 이름을 바꾸고, 삭제합니다</translation>
    </message>
    <message>
        <source>Save session as…</source>
        <translation>다른 이름으로 세션 저장…</translation>
    </message>
    <message>
        <source>Save events and edits to a file</source>
        <translation>이벤트와 편집 내용을 파일로 저장합니다</translation>
    </message>
    <message>
        <source>Mirror the picture</source>
        <translation>좌우 반전</translation>
    </message>
    <message>
        <source>Swap left and right</source>
        <translation>왼쪽과 오른쪽을 바꿉니다</translation>
    </message>
    <message>
        <source>Play or pause</source>
        <translation>재생 또는 일시 정지</translation>
    </message>
    <message>
        <source>Playing</source>
        <translation>재생</translation>
    </message>
    <message>
        <source>Play or pause a file</source>
        <translation>파일을 재생하거나 일시 정지합니다</translation>
    </message>
    <message>
        <source>One frame back</source>
        <translation>한 프레임 뒤로</translation>
    </message>
    <message>
        <source>Pause and go one frame back</source>
        <translation>일시 정지하고 한 프레임 뒤로 갑니다</translation>
    </message>
    <message>
        <source>One frame forward</source>
        <translation>한 프레임 앞으로</translation>
    </message>
    <message>
        <source>Pause and go one frame forward</source>
        <translation>일시 정지하고 한 프레임 앞으로 갑니다</translation>
    </message>
    <message>
        <source>5 seconds back</source>
        <translation>5초 뒤로</translation>
    </message>
    <message>
        <source>Jump back 5 seconds</source>
        <translation>5초 뒤로 이동합니다</translation>
    </message>
    <message>
        <source>5 seconds forward</source>
        <translation>5초 앞으로</translation>
    </message>
    <message>
        <source>Jump forward 5 seconds</source>
        <translation>5초 앞으로 이동합니다</translation>
    </message>
    <message>
        <source>Loop</source>
        <translation>반복</translation>
    </message>
    <message>
        <source>Restart a file at its end</source>
        <translation>파일이 끝나면 처음부터 다시 재생합니다</translation>
    </message>
    <message>
        <source>Slower</source>
        <translation>느리게</translation>
    </message>
    <message>
        <source>Play a file slower</source>
        <translation>파일을 더 느리게 재생합니다</translation>
    </message>
    <message>
        <source>Faster</source>
        <translation>빠르게</translation>
    </message>
    <message>
        <source>Play a file faster</source>
        <translation>파일을 더 빠르게 재생합니다</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>전체 화면</translation>
    </message>
    <message>
        <source>View</source>
        <translation>보기</translation>
    </message>
    <message>
        <source>Show only the picture, on the whole screen</source>
        <translation>화면 전체에 영상만 표시합니다</translation>
    </message>
    <message>
        <source>Leave full screen</source>
        <translation>전체 화면 끝내기</translation>
    </message>
    <message>
        <source>Return from full screen</source>
        <translation>전체 화면에서 돌아옵니다</translation>
    </message>
    <message>
        <source>Side panel</source>
        <translation>사이드 패널</translation>
    </message>
    <message>
        <source>Show or hide the side panel</source>
        <translation>사이드 패널을 표시하거나 숨깁니다</translation>
    </message>
    <message>
        <source>Scores over the picture</source>
        <translation>영상 위에 점수 표시</translation>
    </message>
    <message>
        <source>Show the five best scores</source>
        <translation>가장 높은 점수 다섯 개를 표시합니다</translation>
    </message>
    <message>
        <source>Big label</source>
        <translation>큰 라벨</translation>
    </message>
    <message>
        <source>Show a label that can be read across the room</source>
        <translation>방 건너편에서도 읽을 수 있는 라벨을 표시합니다</translation>
    </message>
    <message>
        <source>Follow people</source>
        <translation>사람 따라가기</translation>
    </message>
    <message>
        <source>A box and labels for each person; click on somebody to follow that person</source>
        <translation>사람마다 상자와 라벨을 표시합니다. 사람을 클릭하면 따라갑니다</translation>
    </message>
    <message>
        <source>Person detector…</source>
        <translation>사람 검출기…</translation>
    </message>
    <message>
        <source>Get a detector that finds everybody in the picture, or choose another one</source>
        <translation>화면의 모든 사람을 찾는 검출기를 받거나 다른 것을 고릅니다</translation>
    </message>
    <message>
        <source>Why it says so</source>
        <translation>판단 근거</translation>
    </message>
    <message>
        <source>Draw over the picture where and when the score of the action comes from</source>
        <translation>동작 점수가 어디서, 언제 나왔는지 영상 위에 그립니다</translation>
    </message>
    <message>
        <source>Count repetitions</source>
        <translation>반복 횟수 세기</translation>
    </message>
    <message>
        <source>Count what repeats, such as squats</source>
        <translation>스쿼트처럼 반복되는 동작을 셉니다</translation>
    </message>
    <message>
        <source>Always on top</source>
        <translation>항상 위에 표시</translation>
    </message>
    <message>
        <source>Keep the window above others</source>
        <translation>창을 다른 창보다 위에 둡니다</translation>
    </message>
    <message>
        <source>Take a snapshot</source>
        <translation>스냅샷 찍기</translation>
    </message>
    <message>
        <source>Save the picture with its overlay as PNG</source>
        <translation>영상과 오버레이를 PNG로 저장합니다</translation>
    </message>
    <message>
        <source>Copy the picture</source>
        <translation>영상 복사</translation>
    </message>
    <message>
        <source>Copy the picture with its overlay to the clipboard</source>
        <translation>영상과 오버레이를 클립보드에 복사합니다</translation>
    </message>
    <message>
        <source>Timeline</source>
        <translation>타임라인</translation>
    </message>
    <message>
        <source>Events</source>
        <translation>이벤트</translation>
    </message>
    <message>
        <source>Expand or collapse the timeline</source>
        <translation>타임라인을 펼치거나 접습니다</translation>
    </message>
    <message>
        <source>List of events</source>
        <translation>이벤트 목록</translation>
    </message>
    <message>
        <source>Show the recognized events as a list</source>
        <translation>인식된 이벤트를 목록으로 표시합니다</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>확대</translation>
    </message>
    <message>
        <source>Zoom in on the timeline</source>
        <translation>타임라인을 확대합니다</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>축소</translation>
    </message>
    <message>
        <source>Zoom out of the timeline</source>
        <translation>타임라인을 축소합니다</translation>
    </message>
    <message>
        <source>Whole timeline</source>
        <translation>전체 타임라인</translation>
    </message>
    <message>
        <source>Show the whole timeline</source>
        <translation>타임라인 전체를 표시합니다</translation>
    </message>
    <message>
        <source>Back to now</source>
        <translation>현재로 돌아가기</translation>
    </message>
    <message>
        <source>Scroll the timeline to now, or to the playhead</source>
        <translation>타임라인을 현재 또는 재생 위치로 옮깁니다</translation>
    </message>
    <message>
        <source>Show large</source>
        <translation>크게 보기</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>실행 취소</translation>
    </message>
    <message>
        <source>Menu of {name}</source>
        <translation>{name}의 메뉴</translation>
    </message>
    <message>
        <source>What can be done with this source</source>
        <translation>이 소스로 할 수 있는 일</translation>
    </message>
    <message>
        <source>It is tried again every {RETRY_S} s.</source>
        <translation>{RETRY_S}초마다 다시 시도합니다.</translation>
    </message>
    <message>
        <source>Undo the last change to an event</source>
        <translation>이벤트의 마지막 변경을 취소합니다</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>다시 실행</translation>
    </message>
    <message>
        <source>Redo the change that was undone last</source>
        <translation>마지막으로 취소한 변경을 다시 실행합니다</translation>
    </message>
    <message>
        <source>Add an event…</source>
        <translation>이벤트 추가…</translation>
    </message>
    <message>
        <source>Add an event that was not recognized</source>
        <translation>인식되지 않은 이벤트를 추가합니다</translation>
    </message>
    <message>
        <source>Part begins here</source>
        <translation>여기서 구간 시작</translation>
    </message>
    <message>
        <source>Mark where the part to export begins</source>
        <translation>내보낼 구간의 시작을 표시합니다</translation>
    </message>
    <message>
        <source>Part ends here</source>
        <translation>여기서 구간 끝</translation>
    </message>
    <message>
        <source>Mark where the part to export ends</source>
        <translation>내보낼 구간의 끝을 표시합니다</translation>
    </message>
    <message>
        <source>All of it again</source>
        <translation>다시 전체로</translation>
    </message>
    <message>
        <source>Forget the part that was marked</source>
        <translation>표시한 구간을 지웁니다</translation>
    </message>
    <message>
        <source>Summary…</source>
        <translation>요약…</translation>
    </message>
    <message>
        <source>Sum up the part that was marked, or everything, to print</source>
        <translation>표시한 구간이나 전체를 인쇄할 수 있게 요약합니다</translation>
    </message>
    <message>
        <source>Start a session</source>
        <translation>세션 시작</translation>
    </message>
    <message>
        <source>Start a session now; finishing it shows its summary</source>
        <translation>지금 세션을 시작합니다. 끝내면 요약이 표시됩니다</translation>
    </message>
    <message>
        <source>Export events…</source>
        <translation>이벤트 내보내기…</translation>
    </message>
    <message>
        <source>Save the events as a file</source>
        <translation>이벤트를 파일로 저장합니다</translation>
    </message>
    <message>
        <source>Record</source>
        <translation>녹화</translation>
    </message>
    <message>
        <source>Recording</source>
        <translation>녹화</translation>
    </message>
    <message>
        <source>Record the picture as a video</source>
        <translation>영상을 동영상으로 녹화합니다</translation>
    </message>
    <message>
        <source>Save the last 30 seconds</source>
        <translation>마지막 30초 저장</translation>
    </message>
    <message>
        <source>Save what was just shown as a video</source>
        <translation>방금 표시된 내용을 동영상으로 저장합니다</translation>
    </message>
    <message>
        <source>To other programs…</source>
        <translation>다른 프로그램으로…</translation>
    </message>
    <message>
        <source>Pass on what is recognized: a local feed, MQTT, a text file</source>
        <translation>인식 결과를 전달합니다: 로컬 피드, MQTT, 텍스트 파일</translation>
    </message>
    <message>
        <source>Rules…</source>
        <translation>규칙…</translation>
    </message>
    <message>
        <source>Define what happens when an action is seen</source>
        <translation>동작이 보일 때 할 일을 정합니다</translation>
    </message>
    <message>
        <source>Rest while nothing moves</source>
        <translation>움직임이 없으면 쉬기</translation>
    </message>
    <message>
        <source>Decision</source>
        <translation>판정</translation>
    </message>
    <message>
        <source>Save power: pause the model until something moves</source>
        <translation>절전: 움직임이 있을 때까지 모델을 멈춥니다</translation>
    </message>
    <message>
        <source>Lower the threshold</source>
        <translation>임계값 낮추기</translation>
    </message>
    <message>
        <source>Lower the threshold by 5 %</source>
        <translation>임계값을 5 % 낮춥니다</translation>
    </message>
    <message>
        <source>Raise the threshold</source>
        <translation>임계값 높이기</translation>
    </message>
    <message>
        <source>Raise the threshold by 5 %</source>
        <translation>임계값을 5 % 높입니다</translation>
    </message>
    <message>
        <source>Recommended threshold</source>
        <translation>권장 임계값</translation>
    </message>
    <message>
        <source>Use the threshold that the model recommends</source>
        <translation>모델이 권장하는 임계값을 사용합니다</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>모델…</translation>
    </message>
    <message>
        <source>Go to</source>
        <translation>이동</translation>
    </message>
    <message>
        <source>Build, compare and choose models</source>
        <translation>모델을 만들고 비교하고 선택합니다</translation>
    </message>
    <message>
        <source>Set up a network that knows the 400 actions of Kinetics</source>
        <translation>Kinetics의 동작 400가지를 아는 네트워크를 설정합니다</translation>
    </message>
    <message>
        <source>Teach an action…</source>
        <translation>동작 가르치기…</translation>
    </message>
    <message>
        <source>Teach the model actions of your own, from examples</source>
        <translation>예를 보여 주고 모델에 새 동작을 가르칩니다</translation>
    </message>
    <message>
        <source>Analyze files…</source>
        <translation>파일 분석…</translation>
    </message>
    <message>
        <source>Recognize actions in files and folders</source>
        <translation>파일과 폴더에서 동작을 인식합니다</translation>
    </message>
    <message>
        <source>Analyze this file</source>
        <translation>이 파일 분석</translation>
    </message>
    <message>
        <source>Recognize actions in the open file</source>
        <translation>열린 파일에서 동작을 인식합니다</translation>
    </message>
    <message>
        <source>Measure this machine…</source>
        <translation>이 컴퓨터 측정…</translation>
    </message>
    <message>
        <source>Find the best model for this machine</source>
        <translation>이 컴퓨터에 가장 맞는 모델을 찾습니다</translation>
    </message>
    <message>
        <source>Choose a source</source>
        <translation>소스 선택</translation>
    </message>
    <message>
        <source>Open the list of sources</source>
        <translation>소스 목록을 엽니다</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>모델 선택</translation>
    </message>
    <message>
        <source>Open the list of models</source>
        <translation>모델 목록을 엽니다</translation>
    </message>
    <message>
        <source>Choose a device</source>
        <translation>장치 선택</translation>
    </message>
    <message>
        <source>Open the list of devices</source>
        <translation>장치 목록을 엽니다</translation>
    </message>
    <message>
        <source>Find an action</source>
        <translation>동작 찾기</translation>
    </message>
    <message>
        <source>Search the actions of the model</source>
        <translation>모델의 동작을 검색합니다</translation>
    </message>
    <message>
        <source>Expand or collapse the section Now</source>
        <translation>지금 섹션을 펼치거나 접습니다</translation>
    </message>
    <message>
        <source>Expand or collapse the section Actions</source>
        <translation>동작 섹션을 펼치거나 접습니다</translation>
    </message>
    <message>
        <source>Expand or collapse the section Model</source>
        <translation>모델 섹션을 펼치거나 접습니다</translation>
    </message>
    <message>
        <source>Expand or collapse the section Live</source>
        <translation>실시간 섹션을 펼치거나 접습니다</translation>
    </message>
    <message>
        <source>Open the first menu</source>
        <translation>첫 번째 메뉴를 엽니다</translation>
    </message>
    <message>
        <source>Dismiss the message above the picture</source>
        <translation>영상 위의 메시지를 닫습니다</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>키보드 단축키</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>도움말</translation>
    </message>
    <message>
        <source>Show this sheet</source>
        <translation>이 표를 표시합니다</translation>
    </message>
    <message>
        <source>What can it recognize?</source>
        <translation>무엇을 인식할 수 있나요?</translation>
    </message>
    <message>
        <source>Show the actions, and how to stand</source>
        <translation>동작과 서는 방법을 표시합니다</translation>
    </message>
    <message>
        <source>Version, licenses and facts for support</source>
        <translation>버전, 라이선스, 지원용 정보</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>종료</translation>
    </message>
    <message>
        <source>Close the window</source>
        <translation>창을 닫습니다</translation>
    </message>
    <message>
        <source>Close this sheet (Esc)</source>
        <translation>이 표를 닫습니다 (Esc)</translation>
    </message>
    <message>
        <source>Camera default</source>
        <translation>카메라 기본값</translation>
    </message>
    <message>
        <source>Same as system</source>
        <translation>시스템과 같게</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>밝게</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>어둡게</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>파일(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>편집(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>보기(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Playback</source>
        <translation>재생(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Tools</source>
        <translation>도구(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>도움말(&amp;H)</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>최근 파일</translation>
    </message>
    <message>
        <source>Camera size</source>
        <translation>카메라 크기</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>테마</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>언어</translation>
    </message>
    <message>
        <source>Recording options</source>
        <translation>녹화 옵션</translation>
    </message>
    <message>
        <source>Menu bar</source>
        <translation>메뉴 모음</translation>
    </message>
    <message>
        <source>Clear list</source>
        <translation>목록 지우기</translation>
    </message>
    <message>
        <source>None yet</source>
        <translation>아직 없음</translation>
    </message>
    <message>
        <source>No model found. Published weights are not included with the app. Build a model with Models… ({keys}), or {command}</source>
        <translation>모델을 찾지 못했습니다. 공개된 가중치는 앱에 포함되어 있지 않습니다. 모델… ({keys}) 또는 {command} 명령으로 모델을 만드세요</translation>
    </message>
    <message>
        <source>{name} no longer exists at {address}. It was removed from the recent files.</source>
        <translation>{name}이(가) {address}에 더 이상 없습니다. 최근 파일에서 제거했습니다.</translation>
    </message>
    <message>
        <source>{address} is neither a file nor a folder of images. Choose a video with Open file… or a folder with Open folder of images…</source>
        <translation>{address}은(는) 파일도 이미지 폴더도 아닙니다. 파일 열기…로 동영상을, 이미지 폴더 열기…로 폴더를 선택하세요</translation>
    </message>
    <message>
        <source>&apos;{shown}&apos; is neither a file nor a stream. Expected a video file or a URL such as rtsp://host/path.</source>
        <translation>&apos;{shown}&apos;은(는) 파일도 스트림도 아닙니다. 동영상 파일이나 rtsp://host/path 같은 URL이 필요합니다.</translation>
    </message>
    <message>
        <source>No camera was found. Plug one in, or allow this app to use it in the system&apos;s settings.</source>
        <translation>카메라를 찾지 못했습니다. 카메라를 연결하거나, 시스템 설정에서 이 앱의 카메라 사용을 허용하세요.</translation>
    </message>
    <message>
        <source>The model folders cannot be read.</source>
        <translation>모델 폴더를 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>The devices cannot be listed; the CPU is used.</source>
        <translation>장치 목록을 가져올 수 없어 CPU를 사용합니다.</translation>
    </message>
    <message>
        <source>No camera found. Playing the demo.</source>
        <translation>카메라를 찾지 못했습니다. 데모를 재생합니다.</translation>
    </message>
    <message>
        <source>Videos, sessions and models ({join});;All files (*)</source>
        <translation>동영상, 세션, 모델 ({join});;모든 파일 (*)</translation>
    </message>
    <message>
        <source>{name} is gone.</source>
        <translation>{name}이(가) 없습니다.</translation>
    </message>
    <message>
        <source>{gone} Opening {name}.</source>
        <translation>{gone} {name}을(를) 엽니다.</translation>
    </message>
    <message>
        <source>an analysis</source>
        <translation>분석</translation>
    </message>
    <message>
        <source>a model build</source>
        <translation>모델 만들기</translation>
    </message>
    <message>
        <source>a recording</source>
        <translation>녹화</translation>
    </message>
    <message>
        <source>saving the last seconds</source>
        <translation>마지막 몇 초 저장</translation>
    </message>
    <message>
        <source>a measurement</source>
        <translation>측정</translation>
    </message>
    <message>
        <source>{join} and {names}</source>
        <translation>{join} 및 {names}</translation>
    </message>
    <message>
        <source>Without a person detector, what moves is followed. Who stands still is not found.</source>
        <translation>사람 검출기가 없으면 움직이는 것을 따라갑니다. 가만히 서 있는 사람은 찾지 못합니다.</translation>
    </message>
    <message>
        <source>{message} Choose it in the list of models.</source>
        <translation>{message} 모델 목록에서 선택하세요.</translation>
    </message>
    <message>
        <source>Building {title} failed: {message}</source>
        <translation>{title} 만들기 실패: {message}</translation>
    </message>
    <message>
        <source>Change the times</source>
        <translation>시간 변경</translation>
    </message>
    <message>
        <source>Add an event</source>
        <translation>이벤트 추가</translation>
    </message>
    <message>
        <source>Choose or type an action</source>
        <translation>동작을 선택하거나 입력하세요</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>동작</translation>
    </message>
    <message>
        <source>The action: one that the model knows, or any other name</source>
        <translation>동작: 모델이 아는 동작이나 다른 이름</translation>
    </message>
    <message>
        <source>Who does it</source>
        <translation>누가 하는지</translation>
    </message>
    <message>
        <source>From</source>
        <translation>시작</translation>
    </message>
    <message>
        <source>When it began, e.g. 1:23.4</source>
        <translation>시작 시각, 예: 1:23.4</translation>
    </message>
    <message>
        <source>When it ended, e.g. 1:25.4</source>
        <translation>끝난 시각, 예: 1:25.4</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>변경</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>추가</translation>
    </message>
    <message>
        <source>Choose or type an action.</source>
        <translation>동작을 선택하거나 입력하세요.</translation>
    </message>
    <message>
        <source>Enter times as 1:23.4 or 1:02:03.</source>
        <translation>시간은 1:23.4 또는 1:02:03처럼 입력하세요.</translation>
    </message>
    <message>
        <source>The event must begin before it ends.</source>
        <translation>이벤트는 끝나기 전에 시작해야 합니다.</translation>
    </message>
    <message>
        <source>Report (*.html)</source>
        <translation>보고서 (*.html)</translation>
    </message>
    <message>
        <source>JSON (*.json)</source>
        <translation>JSON (*.json)</translation>
    </message>
    <message>
        <source>Table (*.csv)</source>
        <translation>표 (*.csv)</translation>
    </message>
    <message>
        <source>SubRip subtitles (*.srt)</source>
        <translation>SubRip 자막 (*.srt)</translation>
    </message>
    <message>
        <source>WebVTT subtitles (*.vtt)</source>
        <translation>WebVTT 자막 (*.vtt)</translation>
    </message>
    <message>
        <source>ELAN annotations (*.eaf)</source>
        <translation>ELAN 주석 (*.eaf)</translation>
    </message>
    <message>
        <source>VIA annotations (*.via.json)</source>
        <translation>VIA 주석 (*.via.json)</translation>
    </message>
    <message>
        <source>Table as of Kinetics (*.kinetics.csv)</source>
        <translation>Kinetics 형식 표 (*.kinetics.csv)</translation>
    </message>
    <message>
        <source>Table as of AVA, of people (*.ava.csv)</source>
        <translation>AVA 형식 표, 사람별 (*.ava.csv)</translation>
    </message>
    <message>
        <source>There are no events to export yet.</source>
        <translation>아직 내보낼 이벤트가 없습니다.</translation>
    </message>
    <message>
        <source>Export events of the marked part</source>
        <translation>표시한 구간의 이벤트 내보내기</translation>
    </message>
    <message>
        <source>Export events</source>
        <translation>이벤트 내보내기</translation>
    </message>
    <message>
        <source>{stem} events</source>
        <translation>{stem} 이벤트</translation>
    </message>
    <message>
        <source>Live {begin_s}</source>
        <translation>실시간 {begin_s}</translation>
    </message>
    <message>
        <source>Saved {path}</source>
        <translation>{path} 저장됨</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>시간</translation>
    </message>
    <message>
        <source>When it began</source>
        <translation>시작 시각</translation>
    </message>
    <message>
        <source>The action; double-click or press F2 to rename it</source>
        <translation>동작. 두 번 클릭하거나 F2를 눌러 이름을 바꿉니다</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>길이</translation>
    </message>
    <message>
        <source>How long it lasted</source>
        <translation>지속 시간</translation>
    </message>
    <message>
        <source>Reps</source>
        <translation>횟수</translation>
    </message>
    <message>
        <source>How many times the movement was repeated</source>
        <translation>동작을 반복한 횟수</translation>
    </message>
    <message>
        <source>Score</source>
        <translation>점수</translation>
    </message>
    <message>
        <source>Mean score over the event</source>
        <translation>이벤트의 평균 점수</translation>
    </message>
    <message>
        <source>Who</source>
        <translation>누구</translation>
    </message>
    <message>
        <source>Number of the person; empty if it is about the whole picture</source>
        <translation>사람 번호. 화면 전체에 관한 것이면 비어 있음</translation>
    </message>
    <message>
        <source>added</source>
        <translation>추가됨</translation>
    </message>
    <message>
        <source>Now. </source>
        <translation>지금. </translation>
    </message>
    <message>
        <source>now</source>
        <translation>지금</translation>
    </message>
    <message>
        <source>{person}: {action}</source>
        <translation>{person}: {action}</translation>
    </message>
    <message>
        <source>{begin_s} to {until}, {length_s}</source>
        <translation>{begin_s}~{until}, {length_s}</translation>
    </message>
    <message>
        <source>{action_name}
{lasts} · added manually</source>
        <translation>{action_name}
{lasts} · 직접 추가함</translation>
    </message>
    <message>
        <source> (the model: {action_name})</source>
        <translation> (모델: {action_name})</translation>
    </message>
    <message>
        <source>{action_name}{said}
{lasts} · mean {mean_score}, peak {peak_score} at {peak_s}</source>
        <translation>{action_name}{said}
{lasts} · 평균 {mean_score}, 최고 {peak_score}({peak_s})</translation>
    </message>
    <message>
        <source>All actions</source>
        <translation>모든 동작</translation>
    </message>
    <message>
        <source>Name of the action</source>
        <translation>동작 이름</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>필터</translation>
    </message>
    <message>
        <source>Filter the events</source>
        <translation>이벤트 필터</translation>
    </message>
    <message>
        <source>Part of an action&apos;s name</source>
        <translation>동작 이름의 일부</translation>
    </message>
    <message>
        <source>List only the events of one action</source>
        <translation>한 동작의 이벤트만 표시합니다</translation>
    </message>
    <message>
        <source>Any score</source>
        <translation>모든 점수</translation>
    </message>
    <message>
        <source>Minimum score</source>
        <translation>최소 점수</translation>
    </message>
    <message>
        <source>List only events with at least this mean score</source>
        <translation>평균 점수가 이 값 이상인 이벤트만 표시합니다</translation>
    </message>
    <message>
        <source>Enter goes to the event, F2 renames it, Delete deletes it</source>
        <translation>Enter: 이벤트로 이동, F2: 이름 바꾸기, Delete: 삭제</translation>
    </message>
    <message>
        <source>Rename…</source>
        <translation>이름 바꾸기…</translation>
    </message>
    <message>
        <source>Rename all…</source>
        <translation>모두 이름 바꾸기…</translation>
    </message>
    <message>
        <source>Change the times…</source>
        <translation>시간 변경…</translation>
    </message>
    <message>
        <source>Make a rule of it…</source>
        <translation>규칙 만들기…</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>삭제</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>텍스트로 복사</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>이름 바꾸기</translation>
    </message>
    <message>
        <source>Rename the event (F2)</source>
        <translation>이벤트 이름을 바꿉니다 (F2)</translation>
    </message>
    <message>
        <source>Delete the selected events (Delete)</source>
        <translation>선택한 이벤트를 삭제합니다 (Delete)</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>복사</translation>
    </message>
    <message>
        <source>Copy the selected events as text (Ctrl+C)</source>
        <translation>선택한 이벤트를 텍스트로 복사합니다 (Ctrl+C)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>내보내기</translation>
    </message>
    <message>
        <source>No event matches the filter.</source>
        <translation>필터에 맞는 이벤트가 없습니다.</translation>
    </message>
    <message>
        <source>1 event</source>
        <translation>이벤트 1개</translation>
    </message>
    <message>
        <source>{known} events</source>
        <translation>이벤트 {known}개</translation>
    </message>
    <message>
        <source>{shown} of {events}</source>
        <translation>{events} 중 {shown}</translation>
    </message>
    <message>
        <source>{total_s} in all</source>
        <translation>모두 {total_s}</translation>
    </message>
    <message>
        <source>No events yet.
Actions appear here as they are recognized.</source>
        <translation>아직 이벤트가 없습니다.
동작이 인식되면 여기에 나타납니다.</translation>
    </message>
    <message>
        <source>Rename all</source>
        <translation>모두 이름 바꾸기</translation>
    </message>
    <message>
        <source>New name for every “{label}”, including future ones:</source>
        <translation>앞으로 나올 것을 포함한 모든 “{label}”의 새 이름:</translation>
    </message>
    <message>
        <source>{what} · &lt;a href=&quot;undo&quot;&gt;Undo&lt;/a&gt;</source>
        <translation>{what} · &lt;a href=&quot;undo&quot;&gt;실행 취소&lt;/a&gt;</translation>
    </message>
    <message>
        <source>Rename all “{label}”…</source>
        <translation>“{label}” 모두 이름 바꾸기…</translation>
    </message>
    <message>
        <source>Recognized during playback: parts that were not played are unknown.</source>
        <translation>재생하며 인식함: 재생하지 않은 부분은 알 수 없습니다.</translation>
    </message>
    <message>
        <source>The last ten minutes</source>
        <translation>최근 10분</translation>
    </message>
    <message>
        <source>At {position_s} of {end_s}{doing}</source>
        <translation>{end_s} 중 {position_s}{doing}</translation>
    </message>
    <message>
        <source>Drag to scroll back, wheel to zoom</source>
        <translation>끌어서 뒤로 보기, 휠로 확대/축소</translation>
    </message>
    <message>
        <source>Click or drag to seek (arrow keys: 1 s), wheel to zoom, Shift and drag to move</source>
        <translation>클릭하거나 끌어서 이동(화살표 키: 1초), 휠로 확대/축소, Shift와 함께 끌어서 옮기기</translation>
    </message>
    <message>
        <source>{what}; {keys} shows all, {other_keys} collapses it</source>
        <translation>{what}. {keys}: 전체 표시, {other_keys}: 접기</translation>
    </message>
    <message>
        <source>The model is being prepared</source>
        <translation>모델을 준비하는 중</translation>
    </message>
    <message>
        <source>No model: nothing is recognized</source>
        <translation>모델 없음: 아무것도 인식하지 않습니다</translation>
    </message>
    <message>
        <source>No action recognized yet</source>
        <translation>아직 인식된 동작이 없습니다</translation>
    </message>
    <message>
        <source>score {score}</source>
        <translation>점수 {score}</translation>
    </message>
    <message>
        <source>{value} · activity {activity}</source>
        <translation>{value} · 활동 {activity}</translation>
    </message>
    <message>
        <source>Actions</source>
        <translation>동작</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>활동</translation>
    </message>
    <message>
        <source>These are the events of an earlier session. Its pictures were not saved.</source>
        <translation>이전 세션의 이벤트입니다. 영상은 저장되지 않았습니다.</translation>
    </message>
    <message>
        <source>The language changes with the next start.</source>
        <translation>언어는 다음에 시작할 때 바뀝니다.</translation>
    </message>
    <message>
        <source>Building a model needs {listed}, which running a model does not. To install:</source>
        <translation>모델을 만들려면 {listed}이(가) 필요하지만, 모델 실행에는 필요하지 않습니다. 설치하려면:</translation>
    </message>
    <message>
        <source>Command: {command}</source>
        <translation>명령: {command}</translation>
    </message>
    <message>
        <source>Build {title} into {output}</source>
        <translation>{title}을(를) {output}에 만듭니다</translation>
    </message>
    <message>
        <source>This model cannot be built here</source>
        <translation>이 모델은 여기서 만들 수 없습니다</translation>
    </message>
    <message>
        <source>Building needs {listed}; the command above installs it</source>
        <translation>만들려면 {listed}이(가) 필요합니다. 위 명령으로 설치합니다</translation>
    </message>
    <message>
        <source>Only one model can be built at a time</source>
        <translation>모델은 한 번에 하나만 만들 수 있습니다</translation>
    </message>
    <message>
        <source>Choose a precision</source>
        <translation>정밀도를 선택하세요</translation>
    </message>
    <message>
        <source>{name} contains your own weights: delete it first</source>
        <translation>{name}에 직접 만든 가중치가 있습니다. 먼저 삭제하세요</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>명령을 복사합니다</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>다시 확인</translation>
    </message>
    <message>
        <source>Check again which packages are installed</source>
        <translation>설치된 패키지를 다시 확인합니다</translation>
    </message>
    <message>
        <source>exact, largest</source>
        <translation>정확함, 가장 큼</translation>
    </message>
    <message>
        <source>half the size, same scores</source>
        <translation>절반 크기, 같은 점수</translation>
    </message>
    <message>
        <source>smallest and fastest</source>
        <translation>가장 작고 빠름</translation>
    </message>
    <message>
        <source>Build in {name}</source>
        <translation>{name}(으)로 만들기</translation>
    </message>
    <message>
        <source>from</source>
        <translation>원본</translation>
    </message>
    <message>
        <source>Published weights</source>
        <translation>공개된 가중치</translation>
    </message>
    <message>
        <source>Use a checkpoint file…</source>
        <translation>체크포인트 파일 사용…</translation>
    </message>
    <message>
        <source>Random weights</source>
        <translation>무작위 가중치</translation>
    </message>
    <message>
        <source>Download the authors&apos; weights, once</source>
        <translation>저자의 가중치를 한 번 내려받습니다</translation>
    </message>
    <message>
        <source>The folder {checkpoint} does not exist. Choose another one.</source>
        <translation>폴더 {checkpoint}이(가) 없습니다. 다른 폴더를 고르세요.</translation>
    </message>
    <message>
        <source>Folder: {shown}</source>
        <translation>폴더: {shown}</translation>
    </message>
    <message>
        <source>Networks (*.xml *.bin)</source>
        <translation>네트워크 (*.xml *.bin)</translation>
    </message>
    <message>
        <source>Use a folder of its files…</source>
        <translation>파일이 든 폴더 사용…</translation>
    </message>
    <message>
        <source>The four files that its authors publish, from a folder on this computer</source>
        <translation>제작자가 공개한 네 파일을 이 컴퓨터의 폴더에서 가져옵니다</translation>
    </message>
    <message>
        <source>Weights from a file on this computer</source>
        <translation>이 컴퓨터의 파일에 있는 가중치</translation>
    </message>
    <message>
        <source>No download: to try the speed only; the scores are meaningless</source>
        <translation>내려받지 않음: 속도만 시험합니다. 점수는 의미가 없습니다</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>가중치</translation>
    </message>
    <message>
        <source>Where the weights come from</source>
        <translation>가중치의 출처</translation>
    </message>
    <message>
        <source>Build</source>
        <translation>만들기</translation>
    </message>
    <message>
        <source>Build the chosen model; recognition continues meanwhile</source>
        <translation>선택한 모델을 만듭니다. 그동안 인식은 계속됩니다</translation>
    </message>
    <message>
        <source>Progress of the build</source>
        <translation>만들기 진행 상황</translation>
    </message>
    <message>
        <source>Cancel build</source>
        <translation>만들기 취소</translation>
    </message>
    <message>
        <source>Cancel the build; incomplete files are removed</source>
        <translation>만들기를 취소합니다. 미완성 파일은 제거됩니다</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>로그</translation>
    </message>
    <message>
        <source>Show the output of the build program</source>
        <translation>만들기 프로그램의 출력을 표시합니다</translation>
    </message>
    <message>
        <source>Log of the build</source>
        <translation>만들기 로그</translation>
    </message>
    <message>
        <source>Output of the build program</source>
        <translation>만들기 프로그램의 출력</translation>
    </message>
    <message>
        <source>Build in</source>
        <translation>정밀도</translation>
    </message>
    <message>
        <source>Weights for this model</source>
        <translation>이 모델의 가중치</translation>
    </message>
    <message>
        <source>Checkpoints (*.pyth *.pth *.pt *.pkl)</source>
        <translation>체크포인트 (*.pyth *.pth *.pt *.pkl)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>모든 파일 (*)</translation>
    </message>
    <message>
        <source>File: {shown}</source>
        <translation>파일: {shown}</translation>
    </message>
    <message>
        <source>The checkpoint {checkpoint} does not exist. Choose another file.</source>
        <translation>체크포인트 {checkpoint}이(가) 없습니다. 다른 파일을 선택하세요.</translation>
    </message>
    <message>
        <source>A model named {name} already exists. Choose another name.</source>
        <translation>{name}(이)라는 모델이 이미 있습니다. 다른 이름을 선택하세요.</translation>
    </message>
    <message>
        <source>Canceling: removing incomplete files.</source>
        <translation>취소하는 중: 미완성 파일을 제거합니다.</translation>
    </message>
    <message>
        <source>Building {title}…</source>
        <translation>{title} 만드는 중…</translation>
    </message>
    <message>
        <source>downloading, {amount}</source>
        <translation>내려받는 중, {amount}</translation>
    </message>
    <message>
        <source>{title} was not built. {message}</source>
        <translation>{title}을(를) 만들지 못했습니다. {message}</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>폴더</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} actions of everyday life.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 네트워크, {dataset}(으)로 학습: 일상 동작 {actions}가지.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} actions of each person.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 네트워크, {dataset}(으)로 학습: 화면 속 각 사람의 동작 {actions}가지.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>{title}&lt;p&gt;{family} network, trained on {dataset}: {actions} labels.&lt;/p&gt;</source>
        <translation>{title}&lt;p&gt;{family} 네트워크, {dataset}(으)로 학습: 라벨 {actions}개.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>Clip</source>
        <translation>클립</translation>
    </message>
    <message>
        <source>{mean_ap} mAP</source>
        <translation>{mean_ap} mAP</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>정확도</translation>
    </message>
    <message>
        <source>{join} on {dataset}, published</source>
        <translation>{join} ({dataset}, 발표된 값)</translation>
    </message>
    <message>
        <source>Measured</source>
        <translation>측정값</translation>
    </message>
    <message>
        <source>{value} a clip. {origin}</source>
        <translation>클립당 {value}. {origin}</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>속도</translation>
    </message>
    <message>
        <source>unknown: once a model has run, it can be estimated</source>
        <translation>알 수 없음: 모델을 한 번 실행하면 추정할 수 있습니다</translation>
    </message>
    <message>
        <source>License</source>
        <translation>라이선스</translation>
    </message>
    <message>
        <source>not stated</source>
        <translation>명시되지 않음</translation>
    </message>
    <message>
        <source>{frames} whole pictures with a short side of {side} over {length} (stride {stride} at {fps} fps)</source>
        <translation>{length} 동안 짧은 변이 {side}인 전체 영상 {frames}장 (간격 {stride}, {fps} fps)</translation>
    </message>
    <message>
        <source>{frames} pictures of {side} × {side} over {length} (stride {stride} at {fps} fps)</source>
        <translation>{length} 동안 {side} × {side} 영상 {frames}장 (간격 {stride}, {fps} fps)</translation>
    </message>
    <message>
        <source>&lt;a href=&quot;{url}&quot;&gt;{url_2}&lt;/a&gt;</source>
        <translation>&lt;a href=&quot;{url}&quot;&gt;{url_2}&lt;/a&gt;</translation>
    </message>
    <message>
        <source>already downloaded</source>
        <translation>이미 내려받음</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>장치</translation>
    </message>
    <message>
        <source>ms per clip</source>
        <translation>클립당 ms</translation>
    </message>
    <message>
        <source>Predictions/s</source>
        <translation>초당 예측</translation>
    </message>
    <message>
        <source>Execution precision</source>
        <translation>계산 정밀도</translation>
    </message>
    <message>
        <source>The measurement ended early: {how}.</source>
        <translation>측정이 일찍 끝났습니다: {how}.</translation>
    </message>
    <message>
        <source>Measure this machine</source>
        <translation>이 컴퓨터 측정</translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation>측정 진행 상황</translation>
    </message>
    <message>
        <source>Results of the measurement</source>
        <translation>측정 결과</translation>
    </message>
    <message>
        <source>The model that comes with the app knows 18 movements. These networks know the 400 actions of Kinetics: sport, music, cooking, crafts and much else. Their weights are published by their authors and are fetched from them.</source>
        <translation>앱에 포함된 모델은 18가지 움직임을 압니다. 이 네트워크들은 Kinetics의 동작 400가지를 압니다: 운동, 음악, 요리, 공예 등. 가중치는 저자가 공개한 것을 내려받습니다.</translation>
    </message>
    <message>
        <source>Converting them needs PyTorch and other build tools, which are not installed. They are installed once, into a folder of their own: several hundred megabytes, or several gigabytes if PyTorch comes with CUDA.</source>
        <translation>변환하려면 PyTorch와 다른 빌드 도구가 필요한데 설치되어 있지 않습니다. 전용 폴더에 한 번 설치합니다. 수백 메가바이트이며, PyTorch에 CUDA가 포함되면 수 기가바이트입니다.</translation>
    </message>
    <message>
        <source>Recognize 400 actions</source>
        <translation>동작 400가지 인식</translation>
    </message>
    <message>
        <source>Finding out what suits this machine…</source>
        <translation>이 컴퓨터에 맞는 것을 찾는 중…</translation>
    </message>
    <message>
        <source>Progress of the setup</source>
        <translation>설정 진행 상황</translation>
    </message>
    <message>
        <source>What the programs wrote</source>
        <translation>프로그램의 출력</translation>
    </message>
    <message>
        <source>Show what the programs wrote</source>
        <translation>프로그램의 출력을 표시합니다</translation>
    </message>
    <message>
        <source>Set up</source>
        <translation>설정</translation>
    </message>
    <message>
        <source>Fetch, convert, check and switch to the selected network</source>
        <translation>선택한 네트워크를 내려받고, 변환하고, 확인한 뒤 바꿉니다</translation>
    </message>
    <message>
        <source>From a file…</source>
        <translation>파일에서…</translation>
    </message>
    <message>
        <source>Without the internet: from weights or models on this machine</source>
        <translation>인터넷 없이: 이 컴퓨터의 가중치나 모델로</translation>
    </message>
    <message>
        <source>End the setup; it can go on later from there</source>
        <translation>설정을 끝냅니다. 나중에 거기서 이어갈 수 있습니다</translation>
    </message>
    <message>
        <source>Close; a setup goes on (Esc)</source>
        <translation>닫습니다. 설정은 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>400 actions</source>
        <translation>동작 400가지</translation>
    </message>
    <message>
        <source> – recommended for this machine</source>
        <translation> – 이 컴퓨터에 권장</translation>
    </message>
    <message>
        <source> – the fastest</source>
        <translation> – 가장 빠름</translation>
    </message>
    <message>
        <source>Switching to {title}.</source>
        <translation>{title}(으)로 바꾸는 중.</translation>
    </message>
    <message>
        <source>Another model is being built. Start again when it is done.</source>
        <translation>다른 모델을 만드는 중입니다. 끝나면 다시 시작하세요.</translation>
    </message>
    <message>
        <source>Weights or models on this machine</source>
        <translation>이 컴퓨터의 가중치나 모델</translation>
    </message>
    <message>
        <source>Weights and archives of models (*.pyth *.pth *.pt *.zip)</source>
        <translation>가중치와 모델 압축 파일 (*.pyth *.pth *.pt *.zip)</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>사용</translation>
    </message>
    <message>
        <source>Nothing was measured on this machine yet; the fastest is recommended.</source>
        <translation>아직 이 컴퓨터에서 측정한 것이 없어 가장 빠른 것을 권장합니다.</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>계속</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>측정</translation>
    </message>
    <message>
        <source>Measure when it is done</source>
        <translation>끝나면 측정</translation>
    </message>
    <message>
        <source>Start automatically as soon as nothing else is running</source>
        <translation>다른 작업이 없으면 자동으로 시작합니다</translation>
    </message>
    <message>
        <source>Use the recommended model and device</source>
        <translation>권장 모델과 장치를 사용합니다</translation>
    </message>
    <message>
        <source>Measure each trained model for two seconds</source>
        <translation>학습된 모델을 각각 2초 동안 측정합니다</translation>
    </message>
    <message>
        <source>Cancel the measurement, or close this window (Esc)</source>
        <translation>측정을 취소하거나 이 창을 닫습니다 (Esc)</translation>
    </message>
    <message>
        <source>Each trained model runs for two seconds on each device; recognition pauses meanwhile.</source>
        <translation>학습된 모델을 각 장치에서 2초씩 실행합니다. 그동안 인식은 멈춥니다.</translation>
    </message>
    <message>
        <source>In progress: {listed}. Measured meanwhile, every model would seem slower than it is.</source>
        <translation>진행 중: {listed}. 지금 측정하면 모든 모델이 실제보다 느려 보입니다.</translation>
    </message>
    <message>
        <source>Starting. Recognition pauses meanwhile.</source>
        <translation>시작합니다. 그동안 인식은 멈춥니다.</translation>
    </message>
    <message>
        <source>Waiting for {listed} to finish; the measurement starts then.</source>
        <translation>{listed}이(가) 끝나기를 기다립니다. 그 후 측정을 시작합니다.</translation>
    </message>
    <message>
        <source>Nothing else is running now. Recognition pauses while this machine is measured.</source>
        <translation>지금은 다른 작업이 없습니다. 측정하는 동안 인식은 멈춥니다.</translation>
    </message>
    <message>
        <source>The measurement was canceled.</source>
        <translation>측정을 취소했습니다.</translation>
    </message>
    <message>
        <source>Recommended: {title} on {device}. {reason}</source>
        <translation>권장: {device}에서 {title}. {reason}</translation>
    </message>
    <message>
        <source>No trained model runs here.</source>
        <translation>여기서 실행되는 학습된 모델이 없습니다.</translation>
    </message>
    <message>
        <source>does not run</source>
        <translation>실행되지 않음</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>모델</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>모델 검색</translation>
    </message>
    <message>
        <source>Name, family, precision, or &apos;not built&apos; (Ctrl+F)</source>
        <translation>이름, 계열, 정밀도 또는 &apos;만들지 않음&apos; (Ctrl+F)</translation>
    </message>
    <message>
        <source>One row per model; Enter uses it, or opens the form to build it</source>
        <translation>모델마다 한 줄. Enter로 사용하거나 만들기 양식을 엽니다</translation>
    </message>
    <message>
        <source>Details of the model</source>
        <translation>모델 세부 정보</translation>
    </message>
    <message>
        <source>Description and origin of the selected model</source>
        <translation>선택한 모델의 설명과 출처</translation>
    </message>
    <message>
        <source>Built precision</source>
        <translation>만든 정밀도</translation>
    </message>
    <message>
        <source>The built precision to use, show or delete</source>
        <translation>사용하거나 보거나 삭제할 정밀도</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>사용</translation>
    </message>
    <message>
        <source>Switch to this model (Enter in the list)</source>
        <translation>이 모델로 바꿉니다 (목록에서 Enter)</translation>
    </message>
    <message>
        <source>Open its folder in the file manager</source>
        <translation>파일 관리자에서 폴더를 엽니다</translation>
    </message>
    <message>
        <source>Delete…</source>
        <translation>삭제…</translation>
    </message>
    <message>
        <source>Delete it from disk, after confirmation</source>
        <translation>확인 후 디스크에서 삭제합니다</translation>
    </message>
    <message>
        <source>Get or choose what finds people in the picture</source>
        <translation>화면에서 사람을 찾는 것을 받거나 고릅니다</translation>
    </message>
    <message>
        <source>Close; a running build continues (Esc)</source>
        <translation>닫습니다. 진행 중인 만들기는 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>디스크</translation>
    </message>
    <message>
        <source>Listing the models that can be built…</source>
        <translation>만들 수 있는 모델을 찾는 중…</translation>
    </message>
    <message>
        <source>{shown} of {rows}</source>
        <translation>{rows}개 중 {shown}개</translation>
    </message>
    <message>
        <source>{counted}, {built} built</source>
        <translation>{counted}, {built}개 만듦</translation>
    </message>
    <message>
        <source> untrained</source>
        <translation> 학습되지 않음</translation>
    </message>
    <message>
        <source>running</source>
        <translation>실행 중</translation>
    </message>
    <message>
        <source>Not built</source>
        <translation>만들지 않음</translation>
    </message>
    <message>
        <source>It is not built</source>
        <translation>만들지 않은 모델입니다</translation>
    </message>
    <message>
        <source>It is in use: choose another model first</source>
        <translation>사용 중입니다. 먼저 다른 모델을 선택하세요</translation>
    </message>
    <message>
        <source>It is being rebuilt</source>
        <translation>다시 만드는 중입니다</translation>
    </message>
    <message>
        <source>Switching to {display_name}.</source>
        <translation>{display_name}(으)로 바꾸는 중.</translation>
    </message>
    <message>
        <source>No file manager could be opened. The folder is {folder}</source>
        <translation>파일 관리자를 열 수 없습니다. 폴더: {folder}</translation>
    </message>
    <message>
        <source>Delete a model</source>
        <translation>모델 삭제</translation>
    </message>
    <message>
        <source>Delete {display_name}?</source>
        <translation>{display_name}을(를) 삭제할까요?</translation>
    </message>
    <message>
        <source>{folder}
{megabytes} will be freed. It can be built again{value}; this cannot be undone.</source>
        <translation>{folder}
{megabytes}이(가) 확보됩니다. 다시 만들 수 있습니다{value}. 취소할 수 없습니다.</translation>
    </message>
    <message>
        <source> while you have its checkpoint</source>
        <translation> (체크포인트가 있는 동안)</translation>
    </message>
    <message>
        <source>{display_name} was not deleted. {why}.</source>
        <translation>{display_name}을(를) 삭제하지 못했습니다. {why}.</translation>
    </message>
    <message>
        <source>{display_name} is deleted.</source>
        <translation>{display_name}을(를) 삭제했습니다.</translation>
    </message>
    <message>
        <source>{trained} models</source>
        <translation>모델 {trained}개</translation>
    </message>
    <message>
        <source>Your model</source>
        <translation>현재 모델</translation>
    </message>
    <message>
        <source>any of {devices} devices</source>
        <translation>장치 {devices}개</translation>
    </message>
    <message>
        <source>this machine</source>
        <translation>이 컴퓨터</translation>
    </message>
    <message>
        <source>{of} can run on {on}. Measuring takes seconds and shows which suits it best.</source>
        <translation>{of}을(를) {on}에서 실행할 수 있습니다. 몇 초만 측정하면 가장 알맞은 것을 알 수 있습니다.</translation>
    </message>
    <message>
        <source>The list of models that can be built cannot be read. Reinstall SlowFast Live.</source>
        <translation>만들 수 있는 모델 목록을 읽을 수 없습니다. SlowFast Live를 다시 설치하세요.</translation>
    </message>
    <message>
        <source>It is part of the app</source>
        <translation>앱의 일부입니다</translation>
    </message>
    <message>
        <source>Its folder is a link to another location</source>
        <translation>폴더가 다른 위치로 연결된 링크입니다</translation>
    </message>
    <message>
        <source>Its folder is not writable</source>
        <translation>폴더에 쓸 수 없습니다</translation>
    </message>
    <message>
        <source>{folder} was not deleted: {reason}.</source>
        <translation>{folder}을(를) 삭제하지 않았습니다: {reason}.</translation>
    </message>
    <message>
        <source>{folder} cannot be deleted: {reason}.</source>
        <translation>{folder}을(를) 삭제할 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{precision} untrained</source>
        <translation>{precision} 학습 안 됨</translation>
    </message>
    <message>
        <source>{own} (own)</source>
        <translation>{own} (직접 만듦)</translation>
    </message>
    <message>
        <source>{shown} measured</source>
        <translation>{shown} 측정됨</translation>
    </message>
    <message>
        <source>about {shown}{value}</source>
        <translation>약 {shown}{value}</translation>
    </message>
    <message>
        <source>Measured here on {device}, {precision}, median of the latest predictions.</source>
        <translation>여기서 {device}, {precision}(으)로 측정함, 최근 예측의 중앙값.</translation>
    </message>
    <message>
        <source>Estimated from GFLOPs: {title} in {precision} takes {base_ms} ms for {gflops} GFLOPs on {device}. </source>
        <translation>GFLOPs로 추정: {precision}의 {title}은(는) {device}에서 {gflops} GFLOPs에 {base_ms} ms가 걸립니다. </translation>
    </message>
    <message>
        <source>That is another family, so the estimate may be off by several times. </source>
        <translation>계열이 달라 몇 배 차이가 날 수 있습니다. </translation>
    </message>
    <message>
        <source>Run it to find out.</source>
        <translation>실행해 보면 알 수 있습니다.</translation>
    </message>
    <message>
        <source>The network</source>
        <translation>네트워크</translation>
    </message>
    <message>
        <source>Built</source>
        <translation>만듦</translation>
    </message>
    <message>
        <source>Precisions on this machine</source>
        <translation>이 컴퓨터에 있는 정밀도</translation>
    </message>
    <message>
        <source>How many actions it knows</source>
        <translation>아는 동작의 수</translation>
    </message>
    <message>
        <source>Top-1</source>
        <translation>Top-1</translation>
    </message>
    <message>
        <source>Published top-1 accuracy in percent, over several views of a video; mAP where several labels are right</source>
        <translation>동영상을 여러 번 보아 얻은, 발표된 top-1 정확도(%). 라벨이 여럿이면 mAP</translation>
    </message>
    <message>
        <source>Top-5</source>
        <translation>Top-5</translation>
    </message>
    <message>
        <source>Published top-5 accuracy in percent, over several views of a video</source>
        <translation>동영상을 여러 번 보아 얻은, 발표된 top-5 정확도(%)</translation>
    </message>
    <message>
        <source>Multiply-adds per clip in 1e9: the amount of computation</source>
        <translation>클립당 곱셈-덧셈 수(10억): 계산량</translation>
    </message>
    <message>
        <source>Params</source>
        <translation>매개변수</translation>
    </message>
    <message>
        <source>Parameters in millions</source>
        <translation>매개변수(백만)</translation>
    </message>
    <message>
        <source>Size on disk</source>
        <translation>디스크에서 차지하는 크기</translation>
    </message>
    <message>
        <source>Speed here</source>
        <translation>여기서의 속도</translation>
    </message>
    <message>
        <source>Time for one clip on this machine: measured in this session, or estimated from it</source>
        <translation>이 컴퓨터에서 클립 하나에 걸리는 시간: 이번 세션에서 측정했거나 추정한 값</translation>
    </message>
    <message>
        <source>not built</source>
        <translation>만들지 않음</translation>
    </message>
    <message>
        <source>Its speed cannot be estimated before a model has run.</source>
        <translation>모델을 한 번 실행하기 전에는 속도를 추정할 수 없습니다.</translation>
    </message>
    <message>
        <source>Model: {title}{value}</source>
        <translation>모델: {title}{value}</translation>
    </message>
    <message>
        <source>, running</source>
        <translation>, 실행 중</translation>
    </message>
    <message>
        <source>being built</source>
        <translation>만드는 중</translation>
    </message>
    <message>
        <source>{value} mAP</source>
        <translation>{value} mAP</translation>
    </message>
    <message>
        <source>Labels file</source>
        <translation>라벨 파일</translation>
    </message>
    <message>
        <source>Class names in the order of the outputs: text, CSV or JSON</source>
        <translation>출력 순서대로 적은 클래스 이름: 텍스트, CSV 또는 JSON</translation>
    </message>
    <message>
        <source>those of Kinetics-400</source>
        <translation>Kinetics-400의 라벨</translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation>찾아보기…</translation>
    </message>
    <message>
        <source>Browse for labels</source>
        <translation>라벨 찾아보기</translation>
    </message>
    <message>
        <source>Choose the file with the class names</source>
        <translation>클래스 이름이 있는 파일을 선택합니다</translation>
    </message>
    <message>
        <source>Number of classes</source>
        <translation>클래스 수</translation>
    </message>
    <message>
        <source>Number of classes; not needed with a labels file</source>
        <translation>클래스 수. 라벨 파일이 있으면 필요 없습니다</translation>
    </message>
    <message>
        <source>Name of your model</source>
        <translation>모델 이름</translation>
    </message>
    <message>
        <source>First part of its folder&apos;s name; if empty, the network&apos;s name</source>
        <translation>폴더 이름의 첫 부분. 비우면 네트워크 이름을 씁니다</translation>
    </message>
    <message>
        <source>fill in Classes or Labels</source>
        <translation>클래스 또는 라벨을 채우세요</translation>
    </message>
    <message>
        <source>choose it here: “Use a checkpoint file…”</source>
        <translation>여기서 선택하세요: “체크포인트 파일 사용…”</translation>
    </message>
    <message>
        <source>Labels</source>
        <translation>라벨</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>클래스</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>이름</translation>
    </message>
    <message>
        <source>another precision</source>
        <translation>다른 정밀도</translation>
    </message>
    <message>
        <source>The list of models that can be built is not available; see the log for the reason.</source>
        <translation>만들 수 있는 모델 목록을 가져올 수 없습니다. 이유는 로그를 보세요.</translation>
    </message>
    <message>
        <source>{title} is built: {precisions}.</source>
        <translation>{title}을(를) 만들었습니다: {precisions}.</translation>
    </message>
    <message>
        <source>Building {title} was canceled. Incomplete files were removed.</source>
        <translation>{title} 만들기를 취소했습니다. 완성되지 않은 파일은 지웠습니다.</translation>
    </message>
    <message>
        <source>Classes must be a whole number, not &apos;{value}&apos;.</source>
        <translation>클래스는 정수여야 합니다. &apos;{value}&apos;은(는) 안 됩니다.</translation>
    </message>
    <message>
        <source>The name may contain letters, digits, &apos;.&apos;, &apos;_&apos; and &apos;-&apos;, the first a letter or digit.</source>
        <translation>이름에는 영문자, 숫자, &apos;.&apos;, &apos;_&apos;, &apos;-&apos;만 쓸 수 있고 영문자나 숫자로 시작해야 합니다.</translation>
    </message>
    <message>
        <source>Labels of your checkpoint</source>
        <translation>체크포인트의 라벨</translation>
    </message>
    <message>
        <source>Class names (*.txt *.csv *.tsv *.json *.names *.labels *.pbtxt)</source>
        <translation>클래스 이름 (*.txt *.csv *.tsv *.json *.names *.labels *.pbtxt)</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>검색</translation>
    </message>
    <message>
        <source>Search the actions</source>
        <translation>동작 검색</translation>
    </message>
    <message>
        <source>Checked actions are looked for. Search</source>
        <translation>선택한 동작을 찾습니다. 검색</translation>
    </message>
    <message>
        <source>All</source>
        <translation>전체</translation>
    </message>
    <message>
        <source>Look for all actions again</source>
        <translation>다시 모든 동작을 찾습니다</translation>
    </message>
    <message>
        <source>No model is running.</source>
        <translation>실행 중인 모델이 없습니다.</translation>
    </message>
    <message>
        <source>looks for {chosen} of {counted}</source>
        <translation>{counted} 중 {chosen}개를 찾는 중</translation>
    </message>
    <message>
        <source>{shown} of {counted}</source>
        <translation>{counted} 중 {shown}개</translation>
    </message>
    <message>
        <source>The model does not know that action.</source>
        <translation>모델이 모르는 동작입니다.</translation>
    </message>
    <message>
        <source>Drag to widen the panel; double click for its usual width</source>
        <translation>끌어서 패널을 넓히고, 두 번 클릭하면 원래 너비로 돌아갑니다</translation>
    </message>
    <message>
        <source>Latency plot</source>
        <translation>지연 시간 그래프</translation>
    </message>
    <message>
        <source>Latency of the last {count} predictions, in milliseconds</source>
        <translation>최근 예측 {count}개의 지연 시간(밀리초)</translation>
    </message>
    <message>
        <source>Now {latency_ms} ms, between {low} and {high} ms</source>
        <translation>현재 {latency_ms} ms, {low} ~ {high} ms</translation>
    </message>
    <message>
        <source>Frames per second from the source</source>
        <translation>소스에서 오는 초당 프레임</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>표시</translation>
    </message>
    <message>
        <source>Frames per second on screen</source>
        <translation>화면의 초당 프레임</translation>
    </message>
    <message>
        <source>Predictions</source>
        <translation>예측</translation>
    </message>
    <message>
        <source>Predictions per second</source>
        <translation>초당 예측 수</translation>
    </message>
    <message>
        <source>Latency</source>
        <translation>지연 시간</translation>
    </message>
    <message>
        <source>From the capture of the newest frame to its prediction</source>
        <translation>가장 새로운 프레임을 받은 때부터 예측까지</translation>
    </message>
    <message>
        <source>Inference</source>
        <translation>추론</translation>
    </message>
    <message>
        <source>Inference time per clip</source>
        <translation>클립당 추론 시간</translation>
    </message>
    <message>
        <source>Number format of the computation, independent of how the weights are stored</source>
        <translation>계산에 쓰는 수 형식. 가중치를 저장한 형식과는 무관합니다</translation>
    </message>
    <message>
        <source>Dropped</source>
        <translation>버림</translation>
    </message>
    <message>
        <source>Frames of this source that were dropped because they were late</source>
        <translation>이 소스에서 늦어서 버린 프레임</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>영상</translation>
    </message>
    <message>
        <source>Resolution and codec of the source</source>
        <translation>소스의 해상도와 코덱</translation>
    </message>
    <message>
        <source>{value} {meaning} on {clips}, {origin}{note}</source>
        <translation>{clips}에서 {meaning} {value}, {origin}{note}</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>측정값</translation>
    </message>
    <message>
        <source>published</source>
        <translation>발표된 값</translation>
    </message>
    <message>
        <source>Family</source>
        <translation>계열</translation>
    </message>
    <message>
        <source>, not trained: random weights</source>
        <translation>, 학습 안 됨: 무작위 가중치</translation>
    </message>
    <message>
        <source>not measured yet</source>
        <translation>아직 측정하지 않음</translation>
    </message>
    <message>
        <source>Sees</source>
        <translation>보는 범위</translation>
    </message>
    <message>
        <source>{frames} pictures of {side} × {side} over {clip_length}</source>
        <translation>{clip_length} 동안 {side} × {side} 영상 {frames}장</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>정밀도</translation>
    </message>
    <message>
        <source>Pathways</source>
        <translation>경로</translation>
    </message>
    <message>
        <source>fast {frames}, slow {max} pictures</source>
        <translation>빠른 경로 {frames}장, 느린 경로 {max}장</translation>
    </message>
    <message>
        <source>{params_m} M parameters</source>
        <translation>매개변수 {params_m}백만 개</translation>
    </message>
    <message>
        <source>{gflops} GFLOPs a clip</source>
        <translation>클립당 {gflops} GFLOPs</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>크기</translation>
    </message>
    <message>
        <source>Parity</source>
        <translation>일치도</translation>
    </message>
    <message>
        <source>Origin</source>
        <translation>출처</translation>
    </message>
    <message>
        <source>More about it</source>
        <translation>더 보기</translation>
    </message>
    <message>
        <source>More about the model</source>
        <translation>모델 정보 더 보기</translation>
    </message>
    <message>
        <source>Show all figures, what it sees and its license</source>
        <translation>모든 수치, 보는 범위, 라이선스를 표시합니다</translation>
    </message>
    <message>
        <source>Model card</source>
        <translation>모델 카드</translation>
    </message>
    <message>
        <source>Less</source>
        <translation>접기</translation>
    </message>
    <message>
        <source>No model is running</source>
        <translation>실행 중인 모델이 없습니다</translation>
    </message>
    <message>
        <source>Choose one above, or build one: Manage models… ({keys}), or in a terminal
{command}

Published weights are not included with the app: building downloads and converts them, once.</source>
        <translation>위에서 모델을 선택하거나 만드세요: 모델 관리… ({keys}) 또는 터미널에서
{command}

공개된 가중치는 앱에 포함되어 있지 않습니다. 만들 때 한 번 내려받아 변환합니다.</translation>
    </message>
    <message>
        <source>Not trained: its weights are random.</source>
        <translation>학습되지 않음: 가중치가 무작위입니다.</translation>
    </message>
    <message>
        <source>Its accuracy was not measured yet.</source>
        <translation>정확도를 아직 측정하지 않았습니다.</translation>
    </message>
    <message>
        <source>{accuracy_value} right at first guess on {clips}.</source>
        <translation>{clips}에서 첫 추측이 맞은 비율 {accuracy_value}.</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>알림</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>경고</translation>
    </message>
    <message>
        <source>Problem</source>
        <translation>문제</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>세부 정보</translation>
    </message>
    <message>
        <source>Show the technical details of this message</source>
        <translation>이 메시지의 기술적인 세부 정보를 표시합니다</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>세부 정보 복사</translation>
    </message>
    <message>
        <source>Copy message and details to the clipboard</source>
        <translation>메시지와 세부 정보를 클립보드에 복사합니다</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>폴더에서 보기</translation>
    </message>
    <message>
        <source>Open the folder that contains this file</source>
        <translation>이 파일이 있는 폴더를 엽니다</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>열기</translation>
    </message>
    <message>
        <source>Open this file with the system&apos;s program for it</source>
        <translation>시스템의 기본 프로그램으로 이 파일을 엽니다</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>닫기</translation>
    </message>
    <message>
        <source>Details of the message</source>
        <translation>메시지의 세부 정보</translation>
    </message>
    <message>
        <source>Technical details, for a bug report</source>
        <translation>버그 신고에 쓸 기술적인 세부 정보</translation>
    </message>
    <message>
        <source>{others} more</source>
        <translation>{others}개 더 있음</translation>
    </message>
    <message>
        <source>No program was found that opens {name}.</source>
        <translation>{name}을(를) 열 프로그램을 찾지 못했습니다.</translation>
    </message>
    <message>
        <source>Best five scores</source>
        <translation>가장 높은 점수 다섯 개</translation>
    </message>
    <message>
        <source>Threshold</source>
        <translation>임계값</translation>
    </message>
    <message>
        <source>Lower</source>
        <translation>낮추기</translation>
    </message>
    <message>
        <source>higher</source>
        <translation>높이기</translation>
    </message>
    <message>
        <source>Smoothed score below which there is no confident action. {keys}</source>
        <translation>다듬은 점수가 이보다 낮으면 확실한 동작이 없는 것으로 봅니다. {keys}</translation>
    </message>
    <message>
        <source>Threshold in percent</source>
        <translation>임계값(%)</translation>
    </message>
    <message>
        <source>Current action: {shown}</source>
        <translation>현재 동작: {shown}</translation>
    </message>
    <message>
        <source>recommended by the model</source>
        <translation>모델 권장값</translation>
    </message>
    <message>
        <source>recommended: {recommended}</source>
        <translation>권장: {recommended}</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>제한 없음</translation>
    </message>
    <message>
        <source>{per_s} a second</source>
        <translation>초당 {per_s}회</translation>
    </message>
    <message>
        <source>Limit</source>
        <translation>제한</translation>
    </message>
    <message>
        <source>Most predictions a second of this model; fewer save power</source>
        <translation>이 모델의 초당 최대 예측 수. 적을수록 전력을 아낍니다</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>절약</translation>
    </message>
    <message>
        <source>Span</source>
        <translation>범위</translation>
    </message>
    <message>
        <source>Time over which the model sees a whole action</source>
        <translation>모델이 동작 전체를 보는 시간</translation>
    </message>
    <message>
        <source>Share of the model&apos;s time that the limit saves</source>
        <translation>제한으로 절약한 모델 시간의 비율</translation>
    </message>
    <message>
        <source>{rate_limit} a second</source>
        <translation>초당 {rate_limit}회</translation>
    </message>
    <message>
        <source>Now</source>
        <translation>지금</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>실시간</translation>
    </message>
    <message>
        <source>Details, or the list of events</source>
        <translation>세부 정보 또는 이벤트 목록</translation>
    </message>
    <message>
        <source>Events · {events}</source>
        <translation>이벤트 · {events}</translation>
    </message>
    <message>
        <source>No model</source>
        <translation>모델 없음</translation>
    </message>
    <message>
        <source>Run the model on OpenVINO Model Server or Triton, on another machine</source>
        <translation>다른 컴퓨터의 OpenVINO Model Server 또는 Triton에서 모델을 실행합니다</translation>
    </message>
    <message>
        <source>Source: camera, file, stream, screen or demo</source>
        <translation>소스: 카메라, 파일, 스트림, 화면 또는 데모</translation>
    </message>
    <message>
        <source>Model that recognizes the actions</source>
        <translation>동작을 인식하는 모델</translation>
    </message>
    <message>
        <source>Device that runs the model</source>
        <translation>모델을 실행하는 장치</translation>
    </message>
    <message>
        <source>A model is being prepared</source>
        <translation>모델을 준비하는 중</translation>
    </message>
    <message>
        <source>No camera found</source>
        <translation>카메라 없음</translation>
    </message>
    <message>
        <source>Connect one: it appears here automatically.</source>
        <translation>연결하면 여기에 자동으로 나타납니다.</translation>
    </message>
    <message>
        <source>Manage models…</source>
        <translation>모델 관리…</translation>
    </message>
    <message>
        <source>No model found. Build one with Manage models… ({keys}) or: {command}</source>
        <translation>모델을 찾지 못했습니다. 모델 관리… ({keys}) 또는 {command} 명령으로 만드세요</translation>
    </message>
    <message>
        <source>{name} · not available</source>
        <translation>{name} · 사용할 수 없음</translation>
    </message>
    <message>
        <source>Add inference server…</source>
        <translation>추론 서버 추가…</translation>
    </message>
    <message>
        <source>To other programs</source>
        <translation>다른 프로그램으로</translation>
    </message>
    <message>
        <source>Local feed</source>
        <translation>로컬 피드</translation>
    </message>
    <message>
        <source>Programs on this machine read what is shown, as it changes</source>
        <translation>이 컴퓨터의 프로그램이 표시 내용을 바뀌는 대로 읽습니다</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>포트</translation>
    </message>
    <message>
        <source>Port of the feed on this machine</source>
        <translation>이 컴퓨터에서 피드가 쓰는 포트</translation>
    </message>
    <message>
        <source>Address of the feed</source>
        <translation>피드 주소</translation>
    </message>
    <message>
        <source>With the token that a program needs; keep it to yourself</source>
        <translation>프로그램에 필요한 토큰이 들어 있습니다. 남에게 알리지 마세요</translation>
    </message>
    <message>
        <source>Copy the address with its token</source>
        <translation>토큰이 든 주소를 복사합니다</translation>
    </message>
    <message>
        <source>New token</source>
        <translation>새 토큰</translation>
    </message>
    <message>
        <source>Make a new token: programs with the old one are shut out</source>
        <translation>새 토큰을 만듭니다. 이전 토큰을 쓰는 프로그램은 차단됩니다</translation>
    </message>
    <message>
        <source>MQTT broker</source>
        <translation>MQTT 브로커</translation>
    </message>
    <message>
        <source>Send what is shown to a broker, for home automation and the like</source>
        <translation>표시 내용을 브로커로 보냅니다. 홈 자동화 등에 씁니다</translation>
    </message>
    <message>
        <source>e.g. mqtt://user:password@192.168.1.5/slowfast-live</source>
        <translation>예: mqtt://user:password@192.168.1.5/slowfast-live</translation>
    </message>
    <message>
        <source>Broker</source>
        <translation>브로커</translation>
    </message>
    <message>
        <source>mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection</source>
        <translation>mqtt://USER:PASSWORD@HOST:PORT/TOPIC, 암호화된 연결은 mqtts://</translation>
    </message>
    <message>
        <source>Text file</source>
        <translation>텍스트 파일</translation>
    </message>
    <message>
        <source>Keep the action in a file, for the text source of OBS and the like</source>
        <translation>동작을 파일에 적어 둡니다. OBS의 텍스트 소스 등에 씁니다</translation>
    </message>
    <message>
        <source>e.g. /home/ada/now.txt</source>
        <translation>예: /home/ada/now.txt</translation>
    </message>
    <message>
        <source>Path of the text file</source>
        <translation>텍스트 파일의 경로</translation>
    </message>
    <message>
        <source>The file that always has the action that is shown, or nothing</source>
        <translation>표시된 동작이 항상 들어 있는 파일. 없으면 비어 있습니다</translation>
    </message>
    <message>
        <source>Choose the file</source>
        <translation>파일을 선택합니다</translation>
    </message>
    <message>
        <source>with the score</source>
        <translation>점수 포함</translation>
    </message>
    <message>
        <source>With the score</source>
        <translation>점수 포함</translation>
    </message>
    <message>
        <source>Write the score beside the action</source>
        <translation>동작 옆에 점수를 적습니다</translation>
    </message>
    <message>
        <source>Close; what is on stays on (Esc)</source>
        <translation>닫습니다. 켜진 것은 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>All are off until you turn them on. The picture itself goes nowhere.</source>
        <translation>직접 켜기 전에는 모두 꺼져 있습니다. 영상 자체는 어디에도 보내지 않습니다.</translation>
    </message>
    <message>
        <source>off</source>
        <translation>꺼짐</translation>
    </message>
    <message>
        <source>Text file for other programs</source>
        <translation>다른 프로그램을 위한 텍스트 파일</translation>
    </message>
    <message>
        <source>Text (*.txt)</source>
        <translation>텍스트 (*.txt)</translation>
    </message>
    <message>
        <source>No program reads it now.</source>
        <translation>지금 읽는 프로그램이 없습니다.</translation>
    </message>
    <message>
        <source>Programs that read it now: {clients}.</source>
        <translation>지금 읽는 프로그램: {clients}개.</translation>
    </message>
    <message>
        <source>Server-sent events, for this machine alone. {readers}</source>
        <translation>서버 전송 이벤트(SSE), 이 컴퓨터 전용. {readers}</translation>
    </message>
    <message>
        <source>Connected to the broker, or connecting.</source>
        <translation>브로커에 연결되었거나 연결하는 중입니다.</translation>
    </message>
    <message>
        <source>The file is kept up to date.</source>
        <translation>파일을 최신 상태로 유지합니다.</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>저장 중…</translation>
    </message>
    <message>
        <source>Completing the recording</source>
        <translation>녹화 마무리 중</translation>
    </message>
    <message>
        <source>The recording is being completed</source>
        <translation>녹화를 마무리하는 중입니다</translation>
    </message>
    <message>
        <source>Stop recording, {words}</source>
        <translation>녹화 중지, {words}</translation>
    </message>
    <message>
        <source>Stop recording</source>
        <translation>녹화 중지</translation>
    </message>
    <message>
        <source>Record the overlay too</source>
        <translation>오버레이도 녹화</translation>
    </message>
    <message>
        <source>Keep the last 30 seconds</source>
        <translation>마지막 30초 보관</translation>
    </message>
    <message>
        <source>Folder for recordings…</source>
        <translation>녹화 폴더…</translation>
    </message>
    <message>
        <source>There is nothing to record yet. Open a source first.</source>
        <translation>아직 녹화할 것이 없습니다. 먼저 소스를 여세요.</translation>
    </message>
    <message>
        <source>The recording is dropping pictures: the disk or processor is slower than the source.</source>
        <translation>녹화 중 프레임을 버리고 있습니다. 디스크나 프로세서가 소스보다 느립니다.</translation>
    </message>
    <message>
        <source>switch on File &gt; Recording options &gt; Keep the last 30 seconds</source>
        <translation>파일 &gt; 녹화 옵션 &gt; 마지막 30초 보관을 켜세요</translation>
    </message>
    <message>
        <source>no picture arrived</source>
        <translation>받은 영상이 없습니다</translation>
    </message>
    <message>
        <source>There is nothing to save yet: {why}.</source>
        <translation>아직 저장할 것이 없습니다: {why}.</translation>
    </message>
    <message>
        <source>Saving the last {seconds} s…</source>
        <translation>마지막 {seconds}초 저장 중…</translation>
    </message>
    <message>
        <source> More does not fit into {limit_bytes} of memory.</source>
        <translation> 그 이상은 메모리 {limit_bytes}에 들어가지 않습니다.</translation>
    </message>
    <message>
        <source>Saved the last {seconds} s as {name}.{more}</source>
        <translation>마지막 {seconds}초를 {name}(으)로 저장했습니다.{more}</translation>
    </message>
    <message>
        <source>Folder for recordings</source>
        <translation>녹화 폴더</translation>
    </message>
    <message>
        <source>Recorded {elapsed_s} as {name} ({size}).</source>
        <translation>{elapsed_s}을(를) {name}(으)로 녹화했습니다 ({size}).</translation>
    </message>
    <message>
        <source>The rule&apos;s previous action is still running.</source>
        <translation>규칙의 이전 작업이 아직 실행 중입니다.</translation>
    </message>
    <message>
        <source>A rule could not be carried out because of an unexpected error.</source>
        <translation>예기치 않은 오류로 규칙을 실행하지 못했습니다.</translation>
    </message>
    <message>
        <source>{action}, seen for {seen_s} s ({score})</source>
        <translation>{action}, {seen_s}초 동안 보임 ({score})</translation>
    </message>
    <message>
        <source>Rule: {value}.</source>
        <translation>규칙: {value}.</translation>
    </message>
    <message>
        <source>Any action</source>
        <translation>모든 동작</translation>
    </message>
    <message>
        <source>No rules yet. Add one to be notified when an action is seen.</source>
        <translation>아직 규칙이 없습니다. 추가하면 동작이 보일 때 알려 드립니다.</translation>
    </message>
    <message>
        <source>Rules</source>
        <translation>규칙</translation>
    </message>
    <message>
        <source>Rules are on</source>
        <translation>규칙 켜기</translation>
    </message>
    <message>
        <source>Switch all rules on or off</source>
        <translation>모든 규칙을 켜거나 끕니다</translation>
    </message>
    <message>
        <source>The rules; the checkbox turns a rule on or off</source>
        <translation>규칙. 확인란으로 켜거나 끕니다</translation>
    </message>
    <message>
        <source>Add a rule</source>
        <translation>규칙 추가</translation>
    </message>
    <message>
        <source>Add a rule (Insert)</source>
        <translation>규칙을 추가합니다 (Insert)</translation>
    </message>
    <message>
        <source>Remove the rule</source>
        <translation>규칙 제거</translation>
    </message>
    <message>
        <source>Remove the selected rule</source>
        <translation>선택한 규칙을 제거합니다</translation>
    </message>
    <message>
        <source>The action to wait for: choose one, or type a part of its name</source>
        <translation>기다릴 동작: 하나를 고르거나 이름의 일부를 입력하세요</translation>
    </message>
    <message>
        <source>Minimum score of the action</source>
        <translation>동작의 최소 점수</translation>
    </message>
    <message>
        <source>the picture</source>
        <translation>영상</translation>
    </message>
    <message>
        <source>Done by</source>
        <translation>하는 사람</translation>
    </message>
    <message>
        <source>How many people must do it at the same time; 0 is the action of the picture as a whole</source>
        <translation>동시에 해야 하는 사람 수. 0은 영상 전체의 동작입니다</translation>
    </message>
    <message>
        <source>Seen for</source>
        <translation>지속 시간</translation>
    </message>
    <message>
        <source>How long the action must be seen without interruption</source>
        <translation>동작이 끊기지 않고 보여야 하는 시간</translation>
    </message>
    <message>
        <source>Then quiet for</source>
        <translation>이후 대기 시간</translation>
    </message>
    <message>
        <source>After firing, the rule does not fire again for this long</source>
        <translation>규칙이 실행된 뒤 이 시간 동안은 다시 실행되지 않습니다</translation>
    </message>
    <message>
        <source>Desktop notification</source>
        <translation>데스크톱 알림</translation>
    </message>
    <message>
        <source>A desktop notification; if the system has none, the window shows the message</source>
        <translation>데스크톱 알림. 시스템에 없으면 창에 메시지를 표시합니다</translation>
    </message>
    <message>
        <source>Sound</source>
        <translation>소리</translation>
    </message>
    <message>
        <source>The system&apos;s alert sound; some systems have it switched off</source>
        <translation>시스템 알림음. 꺼져 있는 시스템도 있습니다</translation>
    </message>
    <message>
        <source>e.g. /home/ada/lamp.sh on</source>
        <translation>예: /home/ada/lamp.sh on</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>명령</translation>
    </message>
    <message>
        <source>A program and its arguments; it gets the event as JSON on standard input and in SLOWFAST_LIVE_* variables</source>
        <translation>프로그램과 인수. 이벤트를 표준 입력의 JSON과 SLOWFAST_LIVE_* 변수로 받습니다</translation>
    </message>
    <message>
        <source>e.g. https://example.org/hook</source>
        <translation>예: https://example.org/hook</translation>
    </message>
    <message>
        <source>Web address</source>
        <translation>웹 주소</translation>
    </message>
    <message>
        <source>The event is sent there as JSON (HTTP POST); nothing else is ever sent</source>
        <translation>이벤트를 JSON으로 보냅니다(HTTP POST). 다른 것은 보내지 않습니다</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>시험</translation>
    </message>
    <message>
        <source>Test the rule</source>
        <translation>규칙 시험</translation>
    </message>
    <message>
        <source>Carry out the rule now</source>
        <translation>규칙을 지금 실행합니다</translation>
    </message>
    <message>
        <source>When</source>
        <translation>동작</translation>
    </message>
    <message>
        <source>is done by</source>
        <translation>하는 사람</translation>
    </message>
    <message>
        <source>with a score of at least</source>
        <translation>최소 점수</translation>
    </message>
    <message>
        <source>for</source>
        <translation>지속 시간</translation>
    </message>
    <message>
        <source>notify me by</source>
        <translation>알림 방법</translation>
    </message>
    <message>
        <source>run</source>
        <translation>실행</translation>
    </message>
    <message>
        <source>post to</source>
        <translation>보낼 주소</translation>
    </message>
    <message>
        <source>then stay quiet for</source>
        <translation>이후 대기</translation>
    </message>
    <message>
        <source>Close; the rules are saved (Esc)</source>
        <translation>닫습니다. 규칙은 저장됩니다 (Esc)</translation>
    </message>
    <message>
        <source>The command cannot be read: {error}</source>
        <translation>명령을 읽을 수 없습니다: {error}</translation>
    </message>
    <message>
        <source>{problem}. The rule was not changed.</source>
        <translation>{problem}. 규칙은 바뀌지 않았습니다.</translation>
    </message>
    <message>
        <source>Trying…</source>
        <translation>시도하는 중…</translation>
    </message>
    <message>
        <source>Done.</source>
        <translation>완료.</translation>
    </message>
    <message>
        <source>Sessions (*{suffix})</source>
        <translation>세션 (*{suffix})</translation>
    </message>
    <message>
        <source>“{name}” deleted</source>
        <translation>“{name}” 삭제됨</translation>
    </message>
    <message>
        <source>{sessions} sessions deleted</source>
        <translation>세션 {sessions}개 삭제됨</translation>
    </message>
    <message>
        <source>Open a session</source>
        <translation>세션 열기</translation>
    </message>
    <message>
        <source>{path} has changed since this session was saved.</source>
        <translation>이 세션을 저장한 뒤 {path}이(가) 바뀌었습니다.</translation>
    </message>
    <message>
        <source>The events may not match. Use this file, find another, or show only the events.</source>
        <translation>이벤트가 맞지 않을 수 있습니다. 이 파일을 쓰거나, 다른 파일을 찾거나, 이벤트만 표시하세요.</translation>
    </message>
    <message>
        <source>Use this file</source>
        <translation>이 파일 사용</translation>
    </message>
    <message>
        <source>The video {name} is not at {known}.</source>
        <translation>동영상 {name}이(가) {known}에 없습니다.</translation>
    </message>
    <message>
        <source>The video {name} is not here.</source>
        <translation>동영상 {name}이(가) 여기에 없습니다.</translation>
    </message>
    <message>
        <source>Find it, or show the events without it.</source>
        <translation>동영상을 찾거나, 동영상 없이 이벤트만 표시하세요.</translation>
    </message>
    <message>
        <source>Find the video…</source>
        <translation>동영상 찾기…</translation>
    </message>
    <message>
        <source>Show the events</source>
        <translation>이벤트 표시</translation>
    </message>
    <message>
        <source>Find {name}</source>
        <translation>{name} 찾기</translation>
    </message>
    <message>
        <source>There is no session to save yet. Open a source first.</source>
        <translation>아직 저장할 세션이 없습니다. 먼저 소스를 여세요.</translation>
    </message>
    <message>
        <source>Save session</source>
        <translation>세션 저장</translation>
    </message>
    <message>
        <source>Saved {written}</source>
        <translation>{written} 저장됨</translation>
    </message>
    <message>
        <source>Record all sources</source>
        <translation>모든 소스 녹화</translation>
    </message>
    <message>
        <source>Stop all recordings</source>
        <translation>모든 녹화 중지</translation>
    </message>
    <message>
        <source>Edits cannot be saved</source>
        <translation>편집 내용을 저장할 수 없음</translation>
    </message>
    <message>
        <source>Your edits of {names} cannot be saved.</source>
        <translation>{names}의 편집 내용을 저장할 수 없습니다.</translation>
    </message>
    <message>
        <source>{model} on {device}: {all} predictions/s for {sources} sources, {least} to {most} each</source>
        <translation>{device}의 {model}: 소스 {sources}개에 초당 예측 {all}회, 소스마다 {least}~{most}회</translation>
    </message>
    <message>
        <source>Save as a file…</source>
        <translation>파일로 저장…</translation>
    </message>
    <message>
        <source>Quit without saving</source>
        <translation>저장하지 않고 종료</translation>
    </message>
    <message>
        <source>Stay</source>
        <translation>계속 있기</translation>
    </message>
    <message>
        <source>Earlier edits of {name} cannot be read: {message}</source>
        <translation>{name}의 이전 편집 내용을 읽을 수 없습니다: {message}</translation>
    </message>
    <message>
        <source>{name} has changed since its events were edited. The edits are still in the list of sessions.</source>
        <translation>이벤트를 편집한 뒤 {name}이(가) 바뀌었습니다. 편집 내용은 세션 목록에 남아 있습니다.</translation>
    </message>
    <message>
        <source>Your edits of {names} cannot be saved: {error} They stay in this window, and saving is tried again. To be safe, save the session as a file elsewhere.</source>
        <translation>{names}의 편집 내용을 저장할 수 없습니다: {error} 이 창에 남아 있으며 저장을 다시 시도합니다. 안전을 위해 세션을 다른 위치에 파일로 저장하세요.</translation>
    </message>
    <message>
        <source>Last used</source>
        <translation>마지막 사용</translation>
    </message>
    <message>
        <source>Edits</source>
        <translation>편집</translation>
    </message>
    <message>
        <source>{name} · file not found</source>
        <translation>{name} · 파일 없음</translation>
    </message>
    <message>
        <source>Sessions</source>
        <translation>세션</translation>
    </message>
    <message>
        <source>Filter the sessions</source>
        <translation>세션 필터</translation>
    </message>
    <message>
        <source>Part of a source&apos;s or a session&apos;s name</source>
        <translation>소스나 세션 이름의 일부</translation>
    </message>
    <message>
        <source>No sessions yet.
What is recognized and your edits are saved here automatically.</source>
        <translation>아직 세션이 없습니다.
인식한 내용과 편집 내용이 여기에 자동으로 저장됩니다.</translation>
    </message>
    <message>
        <source>Open the session (Enter)</source>
        <translation>세션을 엽니다 (Enter)</translation>
    </message>
    <message>
        <source>Rename the session (F2)</source>
        <translation>세션 이름을 바꿉니다 (F2)</translation>
    </message>
    <message>
        <source>Save as file…</source>
        <translation>파일로 저장…</translation>
    </message>
    <message>
        <source>Save the session as a file, to share it</source>
        <translation>공유할 수 있게 세션을 파일로 저장합니다</translation>
    </message>
    <message>
        <source>Delete the selected sessions (Delete)</source>
        <translation>선택한 세션을 삭제합니다 (Delete)</translation>
    </message>
    <message>
        <source>Delete all</source>
        <translation>모두 삭제</translation>
    </message>
    <message>
        <source>Delete all sessions</source>
        <translation>모든 세션을 삭제합니다</translation>
    </message>
    <message>
        <source>Enter opens a session, F2 renames it, Delete deletes it</source>
        <translation>Enter: 세션 열기, F2: 이름 바꾸기, Delete: 삭제</translation>
    </message>
    <message>
        <source>{value} · &lt;a href=&quot;undo&quot;&gt;Undo&lt;/a&gt;</source>
        <translation>{value} · &lt;a href=&quot;undo&quot;&gt;실행 취소&lt;/a&gt;</translation>
    </message>
    <message>
        <source>Rename the session</source>
        <translation>세션 이름 바꾸기</translation>
    </message>
    <message>
        <source>Name (empty for the source&apos;s name):</source>
        <translation>이름(비우면 소스 이름):</translation>
    </message>
    <message>
        <source>1 edit</source>
        <translation>편집 1개</translation>
    </message>
    <message>
        <source>{edit_count} edits</source>
        <translation>편집 {edit_count}개</translation>
    </message>
    <message>
        <source>Sessions are not saved in this run.</source>
        <translation>이번 실행에서는 세션을 저장하지 않습니다.</translation>
    </message>
    <message>
        <source>Sessions are stored in &lt;a href=&quot;folder&quot;&gt;{folder}&lt;/a&gt;, only on this computer: recognized events and your edits, but no pictures and no sound. Those without edits and without a name are removed after {MAX_UNEDITED_DAYS} days, or when there are more than {MAX_UNEDITED} or {MAX_UNEDITED_BYTES} MB of them. Edited ones stay until you delete them.</source>
        <translation>세션은 이 컴퓨터의 &lt;a href=&quot;folder&quot;&gt;{folder}&lt;/a&gt;에만 저장됩니다. 인식된 이벤트와 편집 내용만 있고 영상과 소리는 없습니다. 편집도 이름도 없는 세션은 {MAX_UNEDITED_DAYS}일이 지나거나 {MAX_UNEDITED}개 또는 {MAX_UNEDITED_BYTES} MB를 넘으면 제거됩니다. 편집한 세션은 직접 삭제할 때까지 남습니다.</translation>
    </message>
    <message>
        <source>Open a video</source>
        <translation>동영상 열기</translation>
    </message>
    <message>
        <source>Open a folder of images</source>
        <translation>이미지 폴더 열기</translation>
    </message>
    <message>
        <source>Frames per second of {name}</source>
        <translation>{name}의 초당 프레임 수</translation>
    </message>
    <message>
        <source>Open a stream</source>
        <translation>스트림 열기</translation>
    </message>
    <message>
        <source>URL of the stream, e.g. rtsp://192.168.1.20/stream</source>
        <translation>스트림의 URL, 예: rtsp://192.168.1.20/stream</translation>
    </message>
    <message>
        <source>No files yet. Add some, or drop several files on the window: they play one after the other.</source>
        <translation>아직 파일이 없습니다. 추가하거나 여러 파일을 창에 놓으세요. 차례로 재생됩니다.</translation>
    </message>
    <message>
        <source>Queue of files</source>
        <translation>파일 대기열</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>파일</translation>
    </message>
    <message>
        <source>The files in the order of playing; Enter plays one, Delete removes it</source>
        <translation>재생 순서대로 나열한 파일. Enter: 재생, Delete: 제거</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>재생</translation>
    </message>
    <message>
        <source>Play the selected file (Enter)</source>
        <translation>선택한 파일을 재생합니다 (Enter)</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>위로</translation>
    </message>
    <message>
        <source>Play the selected file earlier (Alt+Up)</source>
        <translation>선택한 파일을 더 먼저 재생합니다 (Alt+Up)</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>아래로</translation>
    </message>
    <message>
        <source>Play the selected file later (Alt+Down)</source>
        <translation>선택한 파일을 더 나중에 재생합니다 (Alt+Down)</translation>
    </message>
    <message>
        <source>Take the selected file off the list; the file itself stays (Delete)</source>
        <translation>선택한 파일을 목록에서 뺍니다. 파일은 그대로 남습니다 (Delete)</translation>
    </message>
    <message>
        <source>Add files at the end</source>
        <translation>끝에 파일을 추가합니다</translation>
    </message>
    <message>
        <source>Close the list; the queue goes on (Esc)</source>
        <translation>목록을 닫습니다. 대기열은 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>{name}, playing</source>
        <translation>{name}, 재생 중</translation>
    </message>
    <message>
        <source>Add videos to the queue</source>
        <translation>대기열에 동영상 추가</translation>
    </message>
    <message>
        <source>On this system only whole screens and regions can be watched.</source>
        <translation>이 시스템에서는 전체 화면과 영역만 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>No other window is open.</source>
        <translation>열린 다른 창이 없습니다.</translation>
    </message>
    <message>
        <source>Watch the screen</source>
        <translation>화면 보기</translation>
    </message>
    <message>
        <source>A screen</source>
        <translation>화면</translation>
    </message>
    <message>
        <source>A window</source>
        <translation>창</translation>
    </message>
    <message>
        <source>Watch a screen, or a part of it</source>
        <translation>화면 전체나 일부를 봅니다</translation>
    </message>
    <message>
        <source>Watch one window, wherever it is moved; what covers it is seen, too</source>
        <translation>창 하나를 옮겨도 계속 봅니다. 가리는 것도 함께 보입니다</translation>
    </message>
    <message>
        <source>Screen</source>
        <translation>화면</translation>
    </message>
    <message>
        <source>The screen to watch</source>
        <translation>볼 화면</translation>
    </message>
    <message>
        <source>Only a region:</source>
        <translation>영역만:</translation>
    </message>
    <message>
        <source>Only a region</source>
        <translation>영역만</translation>
    </message>
    <message>
        <source>Watch a part of the screen</source>
        <translation>화면의 일부를 봅니다</translation>
    </message>
    <message>
        <source>left, top, width, height</source>
        <translation>왼쪽, 위, 너비, 높이</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>영역</translation>
    </message>
    <message>
        <source>Left, top, width and height in pixels of the screen, e.g. 0, 100, 800, 600</source>
        <translation>화면의 왼쪽, 위, 너비, 높이(픽셀), 예: 0, 100, 800, 600</translation>
    </message>
    <message>
        <source>Windows</source>
        <translation>창</translation>
    </message>
    <message>
        <source>The windows, the one on top first; Enter watches one</source>
        <translation>맨 위의 창부터 나열합니다. Enter로 봅니다</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>다시 찾기</translation>
    </message>
    <message>
        <source>List the screens and windows again (F5)</source>
        <translation>화면과 창을 다시 나열합니다 (F5)</translation>
    </message>
    <message>
        <source>Watch</source>
        <translation>보기</translation>
    </message>
    <message>
        <source>Watch what is selected</source>
        <translation>선택한 것을 봅니다</translation>
    </message>
    <message>
        <source>Change nothing (Esc)</source>
        <translation>아무것도 바꾸지 않습니다 (Esc)</translation>
    </message>
    <message>
        <source>A region is given as left, top, width, height: for example 0, 100, 800, 600.</source>
        <translation>영역은 왼쪽, 위, 너비, 높이로 입력합니다. 예: 0, 100, 800, 600.</translation>
    </message>
    <message>
        <source>The actions that the running model recognizes</source>
        <translation>실행 중인 모델이 인식하는 동작</translation>
    </message>
    <message>
        <source>The picture is dark: turn on a light, best in front of you.</source>
        <translation>영상이 어둡습니다. 되도록 앞쪽에 불을 켜세요.</translation>
    </message>
    <message>
        <source>The camera moves: put it down, so that only you move.</source>
        <translation>카메라가 움직입니다. 사람만 움직이도록 내려놓으세요.</translation>
    </message>
    <message>
        <source>Nobody moves in the picture: stand where the camera sees all of you.</source>
        <translation>영상에서 움직이는 사람이 없습니다. 온몸이 카메라에 보이게 서세요.</translation>
    </message>
    <message>
        <source>You are cut off: step back until your whole body is in the picture.</source>
        <translation>몸이 잘립니다. 온몸이 보일 때까지 뒤로 물러나세요.</translation>
    </message>
    <message>
        <source>What is done here may not be among the {actions} actions that the model knows.</source>
        <translation>이 동작은 모델이 아는 {actions}가지 동작에 없을 수 있습니다.</translation>
    </message>
    <message>
        <source>Nothing recognized yet. {value}</source>
        <translation>아직 인식된 것이 없습니다. {value}</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>카메라</translation>
    </message>
    <message>
        <source>Open a video…</source>
        <translation>동영상 열기…</translation>
    </message>
    <message>
        <source>Demo</source>
        <translation>데모</translation>
    </message>
    <message>
        <source>Screen…</source>
        <translation>화면…</translation>
    </message>
    <message>
        <source>All of you in the picture, two to four meters away</source>
        <translation>온몸이 영상에 들어오게, 2~4미터 거리에서</translation>
    </message>
    <message>
        <source>Light on you, not behind you</source>
        <translation>빛은 뒤가 아니라 앞에서</translation>
    </message>
    <message>
        <source>One person, and a camera that stands still</source>
        <translation>한 사람, 움직이지 않는 카메라</translation>
    </message>
    <message>
        <source>What it recognizes</source>
        <translation>인식하는 동작</translation>
    </message>
    <message>
        <source>Close this card (Esc); Help shows it again</source>
        <translation>이 카드를 닫습니다 (Esc). 도움말에서 다시 볼 수 있습니다</translation>
    </message>
    <message>
        <source>Recognize 400 actions…</source>
        <translation>동작 400가지 인식…</translation>
    </message>
    <message>
        <source>Start card</source>
        <translation>시작 카드</translation>
    </message>
    <message>
        <source>{counted} that one person does, by {model}.</source>
        <translation>{model} 모델이 인식하는, 한 사람이 하는 {counted}.</translation>
    </message>
    <message>
        <source>No model is running yet.</source>
        <translation>아직 실행 중인 모델이 없습니다.</translation>
    </message>
    <message>
        <source>{count} action</source>
        <translation>동작 {count}개</translation>
    </message>
    <message>
        <source>{count} actions</source>
        <translation>동작 {count}개</translation>
    </message>
    <message>
        <source>{count} event</source>
        <translation>이벤트 {count}개</translation>
    </message>
    <message>
        <source>{count} events</source>
        <translation>이벤트 {count}개</translation>
    </message>
    <message>
        <source>{count} model</source>
        <translation>모델 {count}개</translation>
    </message>
    <message>
        <source>{count} models</source>
        <translation>모델 {count}개</translation>
    </message>
    <message>
        <source>{count} session</source>
        <translation>세션 {count}개</translation>
    </message>
    <message>
        <source>{count} sessions</source>
        <translation>세션 {count}개</translation>
    </message>
    <message>
        <source>{count} repetition</source>
        <translation>반복 {count}회</translation>
    </message>
    <message>
        <source>{count} repetitions</source>
        <translation>반복 {count}회</translation>
    </message>
    <message>
        <source>{count} edit</source>
        <translation>편집 {count}개</translation>
    </message>
    <message>
        <source>{count} edits</source>
        <translation>편집 {count}개</translation>
    </message>
    <message>
        <source>1 picture was dropped</source>
        <translation>프레임 1개를 버림</translation>
    </message>
    <message>
        <source>{count} pictures were dropped</source>
        <translation>프레임 {count}개를 버림</translation>
    </message>
    <message>
        <source>{predictions_per_s} predictions/s</source>
        <translation>초당 예측 {predictions_per_s}회</translation>
    </message>
    <message>
        <source>Camera: {name}</source>
        <translation>카메라: {name}</translation>
    </message>
    <message>
        <source>Stream: {source}</source>
        <translation>스트림: {source}</translation>
    </message>
    <message>
        <source>Demo clip</source>
        <translation>데모 클립</translation>
    </message>
    <message>
        <source>looking…</source>
        <translation>보는 중…</translation>
    </message>
    <message>
        <source>untrained model</source>
        <translation>학습 안 된 모델</translation>
    </message>
    <message>
        <source>no confident action</source>
        <translation>확실한 동작 없음</translation>
    </message>
    <message>
        <source>Following {person_name}. Click again to stop.</source>
        <translation>{person_name} 따라가는 중. 다시 클릭하면 멈춥니다.</translation>
    </message>
    <message>
        <source>{count} people, each recognized every {every_s} s</source>
        <translation>사람 {count}명, 각각 {every_s}초마다 인식</translation>
    </message>
    <message>
        <source>{count} people</source>
        <translation>사람 {count}명</translation>
    </message>
    <message>
        <source>no model</source>
        <translation>모델 없음</translation>
    </message>
    <message>
        <source>no model yet</source>
        <translation>아직 모델 없음</translation>
    </message>
    <message>
        <source>no picture</source>
        <translation>영상 없음</translation>
    </message>
    <message>
        <source>warming up</source>
        <translation>준비 중</translation>
    </message>
    <message>
        <source>none of the known actions</source>
        <translation>아는 동작이 아님</translation>
    </message>
    <message>
        <source>untrained model: scores are meaningless</source>
        <translation>학습 안 된 모델: 점수는 의미 없음</translation>
    </message>
    <message>
        <source>the model does not answer</source>
        <translation>모델이 응답하지 않음</translation>
    </message>
    <message>
        <source>not recognized yet</source>
        <translation>아직 인식하지 않음</translation>
    </message>
    <message>
        <source>too short to recognize</source>
        <translation>너무 짧아 인식할 수 없음</translation>
    </message>
    <message>
        <source>idle, resting</source>
        <translation>쉬는 중</translation>
    </message>
    <message>
        <source>nobody in the picture</source>
        <translation>화면에 아무도 없음</translation>
    </message>
    <message>
        <source>recognition pauses</source>
        <translation>인식 일시 중지</translation>
    </message>
    <message>
        <source>A small SlowFast for everyday actions, trained only on rendered people.</source>
        <translation>일상 동작을 위한 작은 SlowFast. 렌더링한 사람으로만 학습했습니다.</translation>
    </message>
    <message>
        <source>Trained by this project on clips that it rendered itself.</source>
        <translation>이 프로젝트가 직접 렌더링한 클립으로 학습했습니다.</translation>
    </message>
    <message>
        <source>Person {number}</source>
        <translation>사람 {number}</translation>
    </message>
    <message>
        <source>reconnecting ({number})</source>
        <translation>다시 연결 중 ({number})</translation>
    </message>
    <message>
        <source>Preparing {model} for {device}</source>
        <translation>{device}에서 {model} 준비 중</translation>
    </message>
    <message>
        <source>{title} cannot be prepared for {device} because of an unexpected error.</source>
        <translation>예기치 않은 오류로 {device}에서 {title}을(를) 준비할 수 없습니다.</translation>
    </message>
    <message>
        <source>{person}: {change}</source>
        <translation>{person}: {change}</translation>
    </message>
    <message>
        <source>“{before}” renamed to “{name}”</source>
        <translation>“{before}” 이름을 “{name}”(으)로 바꿈</translation>
    </message>
    <message>
        <source>all “{label}” renamed to “{name}”</source>
        <translation>모든 “{label}” 이름을 “{name}”(으)로 바꿈</translation>
    </message>
    <message>
        <source>{count} events deleted</source>
        <translation>이벤트 {count}개 삭제됨</translation>
    </message>
    <message>
        <source>“{label}” deleted</source>
        <translation>“{label}” 삭제됨</translation>
    </message>
    <message>
        <source>“{label}” added</source>
        <translation>“{label}” 추가됨</translation>
    </message>
    <message>
        <source>“{label}” moved</source>
        <translation>“{label}” 이동됨</translation>
    </message>
    <message>
        <source>Finish the session…</source>
        <translation>세션 끝내기…</translation>
    </message>
    <message>
        <source>There is nothing to look at yet: open a source first.</source>
        <translation>아직 볼 것이 없습니다. 먼저 소스를 여세요.</translation>
    </message>
    <message>
        <source>There is nothing to sum up yet.</source>
        <translation>아직 요약할 것이 없습니다.</translation>
    </message>
    <message>
        <source>From a recording</source>
        <translation>녹화된 영상</translation>
    </message>
    <message>
        <source>{begin} to {end}, {length}</source>
        <translation>{begin} ~ {end}, {length}</translation>
    </message>
    <message>
        <source>No action was recognized in this time.</source>
        <translation>이 시간 동안 인식된 동작이 없습니다.</translation>
    </message>
    <message>
        <source>{actions} in {events}; something was done for {length} ({share} of the time).</source>
        <translation>{actions}, {events}. {length} 동안 동작이 있었습니다(전체 시간의 {share}).</translation>
    </message>
    <message>
        <source>Times</source>
        <translation>횟수</translation>
    </message>
    <message>
        <source>In all</source>
        <translation>합계</translation>
    </message>
    <message>
        <source>Longest</source>
        <translation>가장 긴 것</translation>
    </message>
    <message>
        <source>First at</source>
        <translation>처음</translation>
    </message>
    <message>
        <source>Recognized by SlowFast Live with {model}. A model can be wrong: scores and corrections are in the list of events.</source>
        <translation>SlowFast Live에서 {model}(으)로 인식했습니다. 모델은 틀릴 수 있습니다. 점수와 수정 내용은 이벤트 목록에 있습니다.</translation>
    </message>
    <message>
        <source>Web page (*.html)</source>
        <translation>웹 페이지 (*.html)</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>요약</translation>
    </message>
    <message>
        <source>What was done from the start to the end</source>
        <translation>시작부터 끝까지 한 동작</translation>
    </message>
    <message>
        <source>Print…</source>
        <translation>인쇄…</translation>
    </message>
    <message>
        <source>Print this page</source>
        <translation>이 페이지를 인쇄합니다</translation>
    </message>
    <message>
        <source>Save…</source>
        <translation>저장…</translation>
    </message>
    <message>
        <source>Save this page as PDF or as a web page</source>
        <translation>이 페이지를 PDF나 웹 페이지로 저장합니다</translation>
    </message>
    <message>
        <source>Close this page (Esc)</source>
        <translation>이 페이지를 닫습니다 (Esc)</translation>
    </message>
    <message>
        <source>Print the summary</source>
        <translation>요약 인쇄</translation>
    </message>
    <message>
        <source>Save the summary</source>
        <translation>요약 저장</translation>
    </message>
    <message>
        <source>{stem} summary</source>
        <translation>{stem} 요약</translation>
    </message>
    <message>
        <source>The summary cannot be saved to {path}: {error}</source>
        <translation>요약을 {path}에 저장할 수 없습니다: {error}</translation>
    </message>
    <message>
        <source>{value} cannot be shown</source>
        <translation>{value}을(를) 표시할 수 없습니다</translation>
    </message>
    <message>
        <source>The source</source>
        <translation>소스</translation>
    </message>
    <message>
        <source>Choose another source, or drop a video here.</source>
        <translation>다른 소스를 선택하거나 동영상을 여기에 놓으세요.</translation>
    </message>
    <message>
        <source>Opening {name}…</source>
        <translation>{name} 여는 중…</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>시작하는 중…</translation>
    </message>
    <message>
        <source>Nothing is open</source>
        <translation>열린 것이 없습니다</translation>
    </message>
    <message>
        <source>Choose a source, or drop a video here. To build models: {keys} or {command}</source>
        <translation>소스를 선택하거나 동영상을 여기에 놓으세요. 모델 만들기: {keys} 또는 {command}</translation>
    </message>
    <message>
        <source>{name} cannot be shown</source>
        <translation>{name}을(를) 표시할 수 없습니다</translation>
    </message>
    <message>
        <source>{name} does not answer.</source>
        <translation>{name}이(가) 응답하지 않습니다.</translation>
    </message>
    <message>
        <source>{name} has sent nothing for {silent_s} s.</source>
        <translation>{name}에서 {silent_s}초 동안 아무것도 오지 않았습니다.</translation>
    </message>
    <message>
        <source>Ended</source>
        <translation>끝남</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>일시 정지됨</translation>
    </message>
    <message>
        <source>Choose another model or device above.</source>
        <translation>위에서 다른 모델이나 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>The file is too short: it covers {coverage} of what the model needs.</source>
        <translation>파일이 너무 짧습니다. 모델에 필요한 길이의 {coverage}뿐입니다.</translation>
    </message>
    <message>
        <source>Nothing moves. The model resumes as soon as something does.</source>
        <translation>움직임이 없습니다. 움직이면 모델이 바로 다시 시작합니다.</translation>
    </message>
    <message>
        <source>Play this part to recognize it.</source>
        <translation>이 부분을 재생하면 인식합니다.</translation>
    </message>
    <message>
        <source>Choose one above, or build one: {keys}, or {command}</source>
        <translation>위에서 선택하거나 만드세요: {keys} 또는 {command}</translation>
    </message>
    <message>
        <source>This machine is being measured; the model resumes afterward.</source>
        <translation>이 컴퓨터를 측정하는 중입니다. 끝나면 모델이 다시 시작합니다.</translation>
    </message>
    <message>
        <source>Esc leaves the full screen</source>
        <translation>Esc를 누르면 전체 화면이 끝납니다</translation>
    </message>
    <message>
        <source>There is no picture to save yet.</source>
        <translation>아직 저장할 영상이 없습니다.</translation>
    </message>
    <message>
        <source>There is no picture to copy yet.</source>
        <translation>아직 복사할 영상이 없습니다.</translation>
    </message>
    <message>
        <source>The picture was copied.</source>
        <translation>영상을 복사했습니다.</translation>
    </message>
    <message>
        <source>The snapshot cannot be saved to {folder}: {value}.</source>
        <translation>스냅샷을 {folder}에 저장할 수 없습니다: {value}.</translation>
    </message>
    <message>
        <source>Playback speed ({keys} slower, {other_keys} faster)</source>
        <translation>재생 속도 ({keys}: 느리게, {other_keys}: 빠르게)</translation>
    </message>
    <message>
        <source>Collapse the timeline</source>
        <translation>타임라인 접기</translation>
    </message>
    <message>
        <source>● Live</source>
        <translation>● 실시간</translation>
    </message>
    <message>
        <source>Live source</source>
        <translation>실시간 소스</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>일시 정지</translation>
    </message>
    <message>
        <source>slow</source>
        <translation>느림</translation>
    </message>
    <message>
        <source>fast</source>
        <translation>빠름</translation>
    </message>
    <message>
        <source>The explanation failed unexpectedly.</source>
        <translation>설명하는 중 예기치 않은 오류가 났습니다.</translation>
    </message>
    <message>
        <source>over {seconds} s</source>
        <translation>{seconds}초 동안</translation>
    </message>
    <message>
        <source>{top1} % right at first guess on Kinetics-400</source>
        <translation>Kinetics-400에서 첫 추측 정답률 {top1} %</translation>
    </message>
    <message>
        <source>set up</source>
        <translation>설정됨</translation>
    </message>
    <message>
        <source>about {download_mb} MB to download</source>
        <translation>내려받기 약 {download_mb} MB</translation>
    </message>
    <message>
        <source>then about {minutes} min</source>
        <translation>그다음 약 {minutes}분</translation>
    </message>
    <message>
        <source>about one prediction in {value} seconds here</source>
        <translation>여기서 약 {value}초에 한 번 예측</translation>
    </message>
    <message>
        <source>about {per_s} predictions a second here</source>
        <translation>여기서 초당 약 {per_s}회 예측</translation>
    </message>
    <message>
        <source>Installing the build tools.</source>
        <translation>빌드 도구를 설치하는 중.</translation>
    </message>
    <message>
        <source>Installing the build tools ended early: {how}.</source>
        <translation>빌드 도구 설치가 일찍 끝났습니다: {how}.</translation>
    </message>
    <message>
        <source>Fetching {title}.</source>
        <translation>{title} 내려받는 중.</translation>
    </message>
    <message>
        <source>Downloading {message}.</source>
        <translation>{message} 내려받는 중.</translation>
    </message>
    <message>
        <source>Unpacking {name}.</source>
        <translation>{name} 압축 푸는 중.</translation>
    </message>
    <message>
        <source>The archive cannot be read: {error}.</source>
        <translation>압축 파일을 읽을 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>Looking for the new model.</source>
        <translation>새 모델을 찾는 중.</translation>
    </message>
    <message>
        <source>Measuring which form is fastest here. Recognition pauses meanwhile.</source>
        <translation>여기서 가장 빠른 형식을 측정하는 중. 그동안 인식은 멈춥니다.</translation>
    </message>
    <message>
        <source>Measuring {value}.</source>
        <translation>{value} 측정 중.</translation>
    </message>
    <message>
        <source>Now {actions} actions are recognized, with {title} on {device}.</source>
        <translation>이제 {device}에서 {title}(으)로 동작 {actions}가지를 인식합니다.</translation>
    </message>
    <message>
        <source> It makes {per_s} predictions a second here.</source>
        <translation> 여기서 초당 {per_s}회 예측합니다.</translation>
    </message>
    <message>
        <source> That is slow: a smaller network would follow better.</source>
        <translation> 느립니다. 더 작은 네트워크가 더 잘 따라갑니다.</translation>
    </message>
    <message>
        <source>Canceled. What is done stays; it goes on from there.</source>
        <translation>취소했습니다. 끝난 부분은 남으며 거기서 이어집니다.</translation>
    </message>
    <message>
        <source>Why: {title}</source>
        <translation>근거: {title}</translation>
    </message>
    <message>
        <source>Repetitions</source>
        <translation>반복</translation>
    </message>
    <message>
        <source>{per_minute} a minute</source>
        <translation>분당 {per_minute}회</translation>
    </message>
    <message>
        <source>000 a minute</source>
        <translation>분당 000회</translation>
    </message>
    <message>
        <source>{tiles} sources</source>
        <translation>소스 {tiles}개</translation>
    </message>
    <message>
        <source>All sources</source>
        <translation>모든 소스</translation>
    </message>
    <message>
        <source>Show all sources in a grid (Esc)</source>
        <translation>모든 소스를 격자로 표시합니다 (Esc)</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>메뉴</translation>
    </message>
    <message>
        <source>What concerns all sources</source>
        <translation>모든 소스에 해당하는 항목</translation>
    </message>
    <message>
        <source>Add an inference server</source>
        <translation>추론 서버 추가</translation>
    </message>
    <message>
        <source>Address of OpenVINO Model Server or Triton that has this model.
For example {EXAMPLE}, or grpcs://HOST:PORT for an encrypted connection.</source>
        <translation>이 모델이 있는 OpenVINO Model Server 또는 Triton의 주소.
예: {EXAMPLE}, 암호화된 연결은 grpcs://HOST:PORT.</translation>
    </message>
    <message>
        <source>Countdown</source>
        <translation>초읽기</translation>
    </message>
    <message>
        <source>Click on the picture to stop</source>
        <translation>영상을 클릭하면 멈춥니다</translation>
    </message>
    <message>
        <source>There is no trained model to build on. Build one under Models….</source>
        <translation>바탕이 될 학습된 모델이 없습니다. 모델…에서 만드세요.</translation>
    </message>
    <message>
        <source>There is no picture to take an example from. Choose a camera first.</source>
        <translation>예를 만들 영상이 없습니다. 먼저 카메라를 선택하세요.</translation>
    </message>
    <message>
        <source>Get ready: {action}</source>
        <translation>준비하세요: {action}</translation>
    </message>
    <message>
        <source>{action}: {seconds} s</source>
        <translation>{action}: {seconds}초</translation>
    </message>
    <message>
        <source>Examples of {value}</source>
        <translation>{value}의 예</translation>
    </message>
    <message>
        <source>Videos ({join})</source>
        <translation>동영상 ({join})</translation>
    </message>
    <message>
        <source>What a camera showed is not kept. Switch on File &gt; Recording options &gt; Keep the last 30 seconds, or take an example.</source>
        <translation>카메라가 보여 준 것은 보관되지 않습니다. 파일 &gt; 녹화 옵션 &gt; 마지막 30초 보관을 켜거나 예를 만드세요.</translation>
    </message>
    <message>
        <source>Nothing ran before that is not an action or an example already. Play on for a while.</source>
        <translation>동작이나 예가 아닌 지나간 영상이 없습니다. 잠시 더 재생하세요.</translation>
    </message>
    <message>
        <source>This example was kept without its video.</source>
        <translation>이 예시는 동영상 없이 저장되었습니다.</translation>
    </message>
    <message>
        <source>No program for videos was found to play {path}.</source>
        <translation>{path}을(를) 재생할 프로그램을 찾지 못했습니다.</translation>
    </message>
    <message>
        <source>“{title}” is taught. Choose it in the list of models.</source>
        <translation>“{title}”을(를) 가르쳤습니다. 모델 목록에서 선택하세요.</translation>
    </message>
    <message>
        <source>“{name}” has no example yet and was left out: take two of it at least.</source>
        <translation>“{name}”에는 아직 예시가 없어 제외했습니다. 두 개 이상 찍으세요.</translation>
    </message>
    <message>
        <source> {more} more cannot be read either.</source>
        <translation> {more}개 더 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>Share the model</source>
        <translation>모델 공유</translation>
    </message>
    <message>
        <source>Models (*{SHARED_SUFFIX})</source>
        <translation>모델 (*{SHARED_SUFFIX})</translation>
    </message>
    <message>
        <source>Saved {file}</source>
        <translation>{file} 저장됨</translation>
    </message>
    <message>
        <source>“{title}” was added to your models: {counted}.</source>
        <translation>“{title}”을(를) 모델에 추가했습니다: {counted}.</translation>
    </message>
    <message>
        <source>The model cannot be shared because of an unexpected error: {error}</source>
        <translation>예기치 않은 오류로 모델을 공유할 수 없습니다: {error}</translation>
    </message>
    <message>
        <source>My actions</source>
        <translation>내 동작</translation>
    </message>
    <message>
        <source>Reading the examples</source>
        <translation>예를 읽는 중</translation>
    </message>
    <message>
        <source>Learning what “{value}” looks like</source>
        <translation>“{value}”의 모습을 배우는 중</translation>
    </message>
    <message>
        <source>Reading {name}</source>
        <translation>{name} 읽는 중</translation>
    </message>
    <message>
        <source>The example is kept, but not its video: {reason}</source>
        <translation>예시는 저장했지만 동영상은 저장하지 못했습니다: {reason}</translation>
    </message>
    <message>
        <source>Learning</source>
        <translation>배우는 중</translation>
    </message>
    <message>
        <source>This failed because of an unexpected error: {error}</source>
        <translation>예기치 않은 오류로 실패했습니다: {error}</translation>
    </message>
    <message>
        <source>A passage of this video</source>
        <translation>이 동영상의 구간</translation>
    </message>
    <message>
        <source>Add the passage</source>
        <translation>구간 추가</translation>
    </message>
    <message>
        <source>Here</source>
        <translation>여기</translation>
    </message>
    <message>
        <source>{name} here</source>
        <translation>여기를 {name}(으)로</translation>
    </message>
    <message>
        <source>Take the time at which the video stands</source>
        <translation>동영상의 현재 시간을 사용합니다</translation>
    </message>
    <message>
        <source>Play to where “{action}” begins and ends, or type the times.</source>
        <translation>“{action}”의 시작과 끝까지 재생하거나 시간을 입력하세요.</translation>
    </message>
    <message>
        <source>Write times as 1:23.4 or 1:02:03.</source>
        <translation>시간은 1:23.4 또는 1:02:03처럼 입력하세요.</translation>
    </message>
    <message>
        <source>The passage ends before it begins, or lasts less than half a second.</source>
        <translation>구간이 시작 전에 끝나거나 0.5초보다 짧습니다.</translation>
    </message>
    <message>
        <source>get ready</source>
        <translation>준비</translation>
    </message>
    <message>
        <source>Nothing leaves this machine. An example is kept as numbers and a small picture, not as a video.</source>
        <translation>아무것도 이 컴퓨터를 떠나지 않습니다. 예는 동영상이 아니라 숫자와 작은 그림으로 보관합니다.</translation>
    </message>
    <message>
        <source>Nothing leaves this machine. New examples are kept as videos, too; double-click one to see it.</source>
        <translation>아무것도 이 컴퓨터를 떠나지 않습니다. 새 예시는 동영상으로도 저장됩니다. 두 번 클릭하면 볼 수 있습니다.</translation>
    </message>
    <message>
        <source>Name an action, do it in front of the camera a few times, and let the model learn it.</source>
        <translation>동작 이름을 정하고 카메라 앞에서 몇 번 해 보인 뒤 모델이 배우게 하세요.</translation>
    </message>
    <message>
        <source>Teach actions</source>
        <translation>동작 가르치기</translation>
    </message>
    <message>
        <source>Name of the model</source>
        <translation>모델 이름</translation>
    </message>
    <message>
        <source>What the taught model is called in the list of models</source>
        <translation>가르친 모델이 모델 목록에 표시될 이름</translation>
    </message>
    <message>
        <source>New action</source>
        <translation>새 동작</translation>
    </message>
    <message>
        <source>Name an action that the model should learn, e.g. nodding</source>
        <translation>모델이 배울 동작의 이름을 입력하세요. 예: 고개 끄덕이기</translation>
    </message>
    <message>
        <source>Add action</source>
        <translation>동작 추가</translation>
    </message>
    <message>
        <source>Add this action to what is taught</source>
        <translation>이 동작을 가르칠 동작에 추가합니다</translation>
    </message>
    <message>
        <source>Mirror images count, too</source>
        <translation>좌우 반전도 포함</translation>
    </message>
    <message>
        <source>Learn from mirror images as well. Turn this off for actions in which left and right matter</source>
        <translation>좌우를 바꾼 영상으로도 배웁니다. 왼쪽과 오른쪽이 중요한 동작이면 끄세요</translation>
    </message>
    <message>
        <source>Keep the actions that the model knows already</source>
        <translation>모델이 이미 아는 동작도 유지</translation>
    </message>
    <message>
        <source>Keep its own actions</source>
        <translation>원래 동작 유지</translation>
    </message>
    <message>
        <source>Recognize the model&apos;s own actions as well as yours</source>
        <translation>모델의 원래 동작과 가르친 동작을 모두 인식합니다</translation>
    </message>
    <message>
        <source>Keep videos of new examples</source>
        <translation>새 예시의 동영상 보관</translation>
    </message>
    <message>
        <source>Keep each new example as a video beside its numbers; off, no video is kept</source>
        <translation>새 예시를 숫자와 함께 동영상으로도 보관합니다. 끄면 동영상을 보관하지 않습니다</translation>
    </message>
    <message>
        <source>The actions that are taught</source>
        <translation>가르치는 동작</translation>
    </message>
    <message>
        <source>Examples</source>
        <translation>예</translation>
    </message>
    <message>
        <source>Examples of the chosen action; Delete removes the selected ones</source>
        <translation>선택한 동작의 예. Delete로 제거합니다</translation>
    </message>
    <message>
        <source>How well it works</source>
        <translation>성능</translation>
    </message>
    <message>
        <source>A person detector finds everybody in the picture, whatever they do. Without one, regions that move are followed: who stands still is not found, and two who touch are one.</source>
        <translation>사람 검출기는 무엇을 하든 화면의 모든 사람을 찾습니다. 없으면 움직이는 영역을 따라갑니다. 가만히 있는 사람은 찾지 못하고, 맞닿은 두 사람은 하나가 됩니다.</translation>
    </message>
    <message>
        <source>Person detector</source>
        <translation>사람 검출기</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>진행 상황</translation>
    </message>
    <message>
        <source>What the program wrote</source>
        <translation>프로그램 출력</translation>
    </message>
    <message>
        <source>Show what the program wrote</source>
        <translation>프로그램 출력 보기</translation>
    </message>
    <message>
        <source>Get it</source>
        <translation>받기</translation>
    </message>
    <message>
        <source>Fetch and convert the selected detector, and use it</source>
        <translation>선택한 검출기를 받아 변환하고 사용합니다</translation>
    </message>
    <message>
        <source>Without the internet: an ONNX, OpenVINO or TFLite file</source>
        <translation>인터넷 없이: ONNX, OpenVINO 또는 TFLite 파일</translation>
    </message>
    <message>
        <source>End it; incomplete files are removed</source>
        <translation>끝냅니다. 완성되지 않은 파일은 지워집니다</translation>
    </message>
    <message>
        <source>Close; fetching goes on (Esc)</source>
        <translation>닫기. 받기는 계속됩니다 (Esc)</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>사용 중</translation>
    </message>
    <message>
        <source>at hand</source>
        <translation>있음</translation>
    </message>
    <message>
        <source>None: follow what moves</source>
        <translation>없음: 움직이는 것을 따라감</translation>
    </message>
    <message>
        <source>Motion</source>
        <translation>움직임</translation>
    </message>
    <message>
        <source>People are found by {title} now.</source>
        <translation>이제 {title}(으)로 사람을 찾습니다.</translation>
    </message>
    <message>
        <source>What moves is followed.</source>
        <translation>움직이는 것을 따라갑니다.</translation>
    </message>
    <message>
        <source>A detector is being fetched already.</source>
        <translation>이미 검출기를 받는 중입니다.</translation>
    </message>
    <message>
        <source>A person detector on this machine</source>
        <translation>이 컴퓨터의 사람 검출기</translation>
    </message>
    <message>
        <source>Networks ({endings})</source>
        <translation>네트워크 ({endings})</translation>
    </message>
    <message>
        <source>Take an example</source>
        <translation>예 만들기</translation>
    </message>
    <message>
        <source>3 seconds to get ready, then 10 seconds of the action</source>
        <translation>준비 3초, 이어서 동작 10초</translation>
    </message>
    <message>
        <source>From this video…</source>
        <translation>이 동영상에서…</translation>
    </message>
    <message>
        <source>From this video</source>
        <translation>이 동영상에서</translation>
    </message>
    <message>
        <source>Use passages of the video that is shown</source>
        <translation>표시된 동영상의 구간을 사용합니다</translation>
    </message>
    <message>
        <source>Video files…</source>
        <translation>동영상 파일…</translation>
    </message>
    <message>
        <source>Video files</source>
        <translation>동영상 파일</translation>
    </message>
    <message>
        <source>Use whole video files; they can be dropped here as well</source>
        <translation>동영상 파일 전체를 사용합니다. 여기에 놓아도 됩니다</translation>
    </message>
    <message>
        <source>Use what ran before</source>
        <translation>지나간 영상 사용</translation>
    </message>
    <message>
        <source>Take what was shown and is no example of an action</source>
        <translation>표시된 것 중 동작의 예가 아닌 부분을 사용합니다</translation>
    </message>
    <message>
        <source>Remove the selected examples, or the action</source>
        <translation>선택한 예나 동작을 제거합니다</translation>
    </message>
    <message>
        <source>Restore the examples that were removed last</source>
        <translation>마지막으로 제거한 예를 되돌립니다</translation>
    </message>
    <message>
        <source>Learn</source>
        <translation>배우기</translation>
    </message>
    <message>
        <source>Learn from all examples, and test how well it works</source>
        <translation>모든 예로 배우고 성능을 시험합니다</translation>
    </message>
    <message>
        <source>Use it now</source>
        <translation>지금 사용</translation>
    </message>
    <message>
        <source>Switch to the taught model</source>
        <translation>가르친 모델로 바꿉니다</translation>
    </message>
    <message>
        <source>Share…</source>
        <translation>공유…</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>공유</translation>
    </message>
    <message>
        <source>Save the taught model as one file for somebody else</source>
        <translation>가르친 모델을 다른 사람에게 줄 파일 하나로 저장합니다</translation>
    </message>
    <message>
        <source>{count} examples of {value}</source>
        <translation>{value}의 예 {count}개</translation>
    </message>
    <message>
        <source>on {title}</source>
        <translation>{title} 기반</translation>
    </message>
    <message>
        <source>no model for these examples</source>
        <translation>이 예시에 맞는 모델 없음</translation>
    </message>
    <message>
        <source>no trained model</source>
        <translation>학습된 모델 없음</translation>
    </message>
    <message>
        <source>The examples were taken with this model. Remove all of them to choose another one</source>
        <translation>예시는 이 모델로 만들었습니다. 다른 모델을 고르려면 예시를 모두 제거하세요</translation>
    </message>
    <message>
        <source>The model that sees the examples; a more accurate one learns better and is slower</source>
        <translation>예시를 보는 모델입니다. 더 정확한 모델은 더 잘 배우지만 느립니다</translation>
    </message>
    <message>
        <source>Build on</source>
        <translation>기반 모델</translation>
    </message>
    <message>
        <source>{length_s} s, not mirrored</source>
        <translation>{length_s}초, 반전 안 함</translation>
    </message>
    <message>
        <source>{name}, {length_s} s from {source}</source>
        <translation>{name}, {source}에서 {length_s}초</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>중지</translation>
    </message>
    <message>
        <source>“{name}” is there already.</source>
        <translation>“{name}”은(는) 이미 있습니다.</translation>
    </message>
    <message>
        <source>Give the action a name first.</source>
        <translation>먼저 동작 이름을 정하세요.</translation>
    </message>
    <message>
        <source>No example of “{label}” yet.
Take three or more, in different places or by different people.</source>
        <translation>아직 “{label}”의 예가 없습니다.
다른 장소나 다른 사람으로 세 개 이상 만드세요.</translation>
    </message>
    <message>
        <source>Add an action first: type its name on the left.</source>
        <translation>먼저 왼쪽에 이름을 입력해 동작을 추가하세요.</translation>
    </message>
    <message>
        <source>No example of anything else yet.
What else happens in front of the camera? Sitting down, walking past, drinking: examples of it keep the model from taking everything for one of your actions.</source>
        <translation>아직 다른 것의 예가 없습니다.
카메라 앞에서 또 어떤 일이 있나요? 앉기, 지나가기, 마시기 등의 예가 있으면 모델이 모든 것을 가르친 동작으로 착각하지 않습니다.</translation>
    </message>
    <message>
        <source>Everything</source>
        <translation>모두</translation>
    </message>
    <message>
        <source>Whole picture</source>
        <translation>화면 전체</translation>
    </message>
    <message>
        <source>All people</source>
        <translation>모든 사람</translation>
    </message>
    <message>
        <source>Whose events</source>
        <translation>누구의 이벤트</translation>
    </message>
    <message>
        <source>List only the events of one person, or those of the whole picture</source>
        <translation>한 사람의 이벤트나 화면 전체의 이벤트만 보기</translation>
    </message>
    <message>
        <source>{count} others</source>
        <translation>외 {count}명</translation>
    </message>
    <message>
        <source>any pose, on every machine</source>
        <translation>모든 자세, 모든 컴퓨터에서</translation>
    </message>
    <message>
        <source>finds more, six times the work</source>
        <translation>더 많이 찾음, 계산은 여섯 배</translation>
    </message>
    <message>
        <source>people seen whole</source>
        <translation>전신이 보이는 사람</translation>
    </message>
    <message>
        <source>smaller people, too</source>
        <translation>더 작은 사람도</translation>
    </message>
    <message>
        <source>Fetching the detector.</source>
        <translation>검출기를 받는 중입니다.</translation>
    </message>
    <message>
        <source>Converting {name}.</source>
        <translation>{name} 변환 중입니다.</translation>
    </message>
    <message>
        <source>Canceled. Nothing incomplete is left.</source>
        <translation>취소했습니다. 완성되지 않은 것은 남지 않았습니다.</translation>
    </message>
    <message>
        <source>The build program ended early: {how}.</source>
        <translation>만들기 프로그램이 일찍 끝났습니다: {how}.</translation>
    </message>
    <message>
        <source>The detector was built into {folder}, where it is not looked for.</source>
        <translation>검출기가 {folder}에 만들어졌지만 그곳은 찾지 않는 폴더입니다.</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}.</source>
        <translation>{path}을(를) 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>The inference server was lost: 1 prediction was made on this machine instead.</source>
        <translation>추론 서버와 연결이 끊겨 예측 1건을 이 컴퓨터에서 했습니다.</translation>
    </message>
    <message>
        <source>The inference server was lost: {count} predictions were made on this machine instead.</source>
        <translation>추론 서버와 연결이 끊겨 예측 {count}건을 이 컴퓨터에서 했습니다.</translation>
    </message>
    <message>
        <source>Nobody was found in the picture: the model scores what each person does.</source>
        <translation>화면에서 사람을 찾지 못했습니다. 이 모델은 사람마다 무엇을 하는지 평가합니다.</translation>
    </message>
    <message>
        <source>It has no picture from {begin:g} to {end:g} s.</source>
        <translation>{begin:g}초부터 {end:g}초까지 영상이 없습니다.</translation>
    </message>
    <message>
        <source>The video is {length:.1f} s long, but the model needs {needed:.1f} s: nothing was recognized.</source>
        <translation>동영상은 {length:.1f}초인데 모델에는 {needed:.1f}초가 필요합니다. 아무것도 인식하지 못했습니다.</translation>
    </message>
    <message>
        <source>The model&apos;s weights are random: its scores mean nothing, and no label is shown.</source>
        <translation>모델의 가중치가 무작위입니다. 점수는 의미가 없고 라벨은 표시되지 않습니다.</translation>
    </message>
    <message>
        <source>An unexpected error: {error}.</source>
        <translation>예기치 않은 오류: {error}.</translation>
    </message>
    <message>
        <source>{name}: {reason}</source>
        <translation>{name}: {reason}</translation>
    </message>
    <message>
        <source>{name}: 0 events.</source>
        <translation>{name}: 이벤트 0개.</translation>
    </message>
    <message>
        <source>{name}: {count} events, {labels} and {more} more.</source>
        <translation>{name}: 이벤트 {count}개, {labels} 외 {more}가지.</translation>
    </message>
    <message>
        <source>{name}: 1 event, {labels}.</source>
        <translation>{name}: 이벤트 1개, {labels}.</translation>
    </message>
    <message>
        <source>{name}: {count} events, {labels}.</source>
        <translation>{name}: 이벤트 {count}개, {labels}.</translation>
    </message>
    <message>
        <source>(done earlier)</source>
        <translation>(이전에 완료)</translation>
    </message>
    <message>
        <source>{count} analyzed ({skipped} of them earlier)</source>
        <translation>{count}개 분석함(그중 {skipped}개는 이전에)</translation>
    </message>
    <message>
        <source>{count} analyzed</source>
        <translation>{count}개 분석함</translation>
    </message>
    <message>
        <source>{count} failed</source>
        <translation>{count}개 실패</translation>
    </message>
    <message>
        <source>{count} left: the same command continues from here</source>
        <translation>{count}개 남음. 같은 명령으로 여기서부터 이어집니다</translation>
    </message>
    <message>
        <source>{parts}. Report: {report}</source>
        <translation>{parts}. 보고서: {report}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; failed on {device}: {error}. Choose another device.</source>
        <translation>{device}에서 모델 &apos;{name}&apos;이(가) 실패했습니다: {error}. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>{program} cannot be started: {reason}.</source>
        <translation>{program}을(를) 시작할 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>The analysis was canceled. Finished results are kept; starting it again continues from there.</source>
        <translation>분석을 취소했습니다. 끝난 결과는 보관되며, 다시 시작하면 이어서 분석합니다.</translation>
    </message>
    <message>
        <source>The analysis ended early (exit code {code}).</source>
        <translation>분석이 일찍 끝났습니다(종료 코드 {code}).</translation>
    </message>
    <message>
        <source>{path} was not made by this program. Choose another folder for the results.</source>
        <translation>{path}은(는) 이 프로그램이 만든 것이 아닙니다. 결과를 둘 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>{path} was not written by this program. Choose another folder for the results.</source>
        <translation>{path}은(는) 이 프로그램이 쓴 것이 아닙니다. 결과를 둘 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>{path} is of a newer version of this program. Choose another folder.</source>
        <translation>{path}은(는) 이 프로그램의 더 새로운 버전에서 만든 것입니다. 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>Another analysis is writing into {parent}. Wait for its end, or choose another folder.</source>
        <translation>다른 분석이 {parent}에 쓰고 있습니다. 끝나기를 기다리거나 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>The results cannot go to {shown}: {reason}.</source>
        <translation>결과를 {shown}에 둘 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>The results cannot be copied to {url}: {error}. They are in {folder}, and the same command tries again.</source>
        <translation>결과를 {url}에 복사할 수 없습니다: {error}. 결과는 {folder}에 있으며, 같은 명령으로 다시 시도합니다.</translation>
    </message>
    <message>
        <source>Its results are called {stem}.*, because {wanted}.* is there and is kept.</source>
        <translation>{wanted}.*이(가) 이미 있어 그대로 두고, 결과 이름을 {stem}.*으로 했습니다.</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: it is a link to {target}, which does not exist.</source>
        <translation>결과를 {folder}에 둘 수 없습니다. 존재하지 않는 {target}을(를) 가리키는 링크입니다.</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: it is a file; expected a folder.</source>
        <translation>결과를 {folder}에 둘 수 없습니다. 폴더가 아니라 파일입니다.</translation>
    </message>
    <message>
        <source>The results cannot go into {folder}: {reason}</source>
        <translation>결과를 {folder}에 둘 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>AVA cannot hold {one}: expected a box within the picture, and actions from 1.</source>
        <translation>AVA 형식은 {one}을(를) 담을 수 없습니다. 화면 안의 상자와 1 이상의 동작 번호가 필요합니다.</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}</source>
        <translation>{path}에 쓸 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>AVA&apos;s form lists what each person does, but in {name} nobody was followed. Follow people first: Y in the window, `analyze --people auto`.</source>
        <translation>AVA 형식은 사람마다 무엇을 하는지 적지만, {name}에서는 아무도 따라가지 않았습니다. 먼저 사람을 따라가세요. 창에서는 Y 키, 명령줄에서는 `analyze --people auto`.</translation>
    </message>
    <message>
        <source>Videos cannot be written as {suffix}: this build of FFmpeg has no encoder for it. Reinstall the package &apos;av&apos;, its wheels have them all.</source>
        <translation>동영상을 {suffix}(으)로 쓸 수 없습니다. 이 FFmpeg에는 인코더가 없습니다. 패키지 &apos;av&apos;를 다시 설치하세요. 모두 들어 있습니다.</translation>
    </message>
    <message>
        <source>A video cannot be written as &apos;{suffix}&apos;. Expected a name that ends in .mp4 or .webm.</source>
        <translation>동영상을 &apos;{suffix}&apos;(으)로 쓸 수 없습니다. 이름은 .mp4 또는 .webm으로 끝나야 합니다.</translation>
    </message>
    <message>
        <source>{where} does not contain findings of this version: {error}.</source>
        <translation>{where}에 이 버전의 분석 결과가 없습니다: {error}.</translation>
    </message>
    <message>
        <source>{name} does not determine a format: expected a name that ends with {endings}.</source>
        <translation>{name}(으)로는 형식을 정할 수 없습니다. 이름은 {endings} 중 하나로 끝나야 합니다.</translation>
    </message>
    <message>
        <source>there is no room left on the disk of {folder}.</source>
        <translation>{folder}의 디스크에 남은 공간이 없습니다.</translation>
    </message>
    <message>
        <source>you may not write to {folder}. Choose another folder.</source>
        <translation>{folder}에 쓸 권한이 없습니다. 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>the disk of {folder} cannot be written to. Choose another folder.</source>
        <translation>{folder}의 디스크에는 쓸 수 없습니다. 다른 폴더를 선택하세요.</translation>
    </message>
    <message>
        <source>{folder} does not answer any more. Was the disk unplugged or the folder removed?</source>
        <translation>{folder}이(가) 더는 응답하지 않습니다. 디스크를 뽑았거나 폴더를 지웠나요?</translation>
    </message>
    <message>
        <source>{folder} is no folder. Choose another one.</source>
        <translation>{folder}은(는) 폴더가 아닙니다. 다른 것을 선택하세요.</translation>
    </message>
    <message>
        <source>its name is too long for this file system. Choose a shorter one.</source>
        <translation>이름이 이 파일 시스템에는 너무 깁니다. 더 짧은 이름을 선택하세요.</translation>
    </message>
    <message>
        <source>Parquet needs the package pyarrow. Install it: pip install &apos;slowfast-live[cluster]&apos;</source>
        <translation>Parquet에는 패키지 pyarrow가 필요합니다. 설치: pip install &apos;slowfast-live[cluster]&apos;</translation>
    </message>
    <message>
        <source>{target} is the video itself; choose another name for the copy.</source>
        <translation>{target}은(는) 동영상 자신입니다. 복사본에 다른 이름을 선택하세요.</translation>
    </message>
    <message>
        <source>The sound of {source} cannot be read.</source>
        <translation>{source}의 소리를 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>{name} was not written, because there were no pictures.</source>
        <translation>영상이 없어서 {name}을(를) 쓰지 않았습니다.</translation>
    </message>
    <message>
        <source>{name}: pictures of {width} x {height} are too large for a video.</source>
        <translation>{name}: {width} x {height} 영상은 동영상으로 만들기에 너무 큽니다.</translation>
    </message>
    <message>
        <source>FFmpeg says &apos;{error}&apos;.</source>
        <translation>FFmpeg의 메시지: &apos;{error}&apos;.</translation>
    </message>
    <message>
        <source>{name} could not be written to its end: {reason}</source>
        <translation>{name}을(를) 끝까지 쓰지 못했습니다: {reason}</translation>
    </message>
    <message>
        <source>What was written until then is kept and can be played ({seconds:.0f} s).</source>
        <translation>그때까지 쓴 부분은 보관되며 재생할 수 있습니다({seconds:.0f}초).</translation>
    </message>
    <message>
        <source>What was written so far is in {name}, if it still exists.</source>
        <translation>지금까지 쓴 내용은, 아직 있다면 {name}에 있습니다.</translation>
    </message>
    <message>
        <source>{target} cannot be given its name: {reason}</source>
        <translation>{target}에 이름을 붙일 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>It is kept as {name}.</source>
        <translation>{name}(으)로 보관됩니다.</translation>
    </message>
    <message>
        <source>is a folder</source>
        <translation>폴더임</translation>
    </message>
    <message>
        <source>{option}: {path} cannot be written: it is a folder; expected the name of a file.</source>
        <translation>{option}: {path}에 쓸 수 없습니다. 폴더입니다. 파일 이름이 필요합니다.</translation>
    </message>
    <message>
        <source>{option}: {path} {reason}. It is left as it is; name another file.</source>
        <translation>{option}: {path}: {reason}. 그대로 둡니다. 다른 파일 이름을 지정하세요.</translation>
    </message>
    <message>
        <source>is a link to something that does not exist</source>
        <translation>존재하지 않는 대상을 가리키는 링크임</translation>
    </message>
    <message>
        <source>cannot be inspected ({reason})</source>
        <translation>확인할 수 없음({reason})</translation>
    </message>
    <message>
        <source>exists and was not written by this program</source>
        <translation>이미 있으며 이 프로그램이 쓴 것이 아님</translation>
    </message>
    <message>
        <source>exists and cannot be read ({reason})</source>
        <translation>이미 있으며 읽을 수 없음({reason})</translation>
    </message>
    <message>
        <source>it has no output &apos;{probabilities}&apos;</source>
        <translation>출력 &apos;{probabilities}&apos;이(가) 없습니다</translation>
    </message>
    <message>
        <source>it has no feature maps that are pooled</source>
        <translation>풀링되는 특징 맵이 없습니다</translation>
    </message>
    <message>
        <source>its probabilities come from {node}, expected a softmax or sigmoid</source>
        <translation>확률이 {node}에서 나옵니다. softmax 또는 sigmoid가 필요합니다</translation>
    </message>
    <message>
        <source>what it pools is no map of time and space</source>
        <translation>풀링하는 것이 시간과 공간의 맵이 아닙니다</translation>
    </message>
    <message>
        <source>its head has the operation {kind}, which cannot be traced</source>
        <translation>헤드에 추적할 수 없는 연산 {kind}이(가) 있습니다</translation>
    </message>
    <message>
        <source>its head multiplies or adds what it computes ({kind}), which cannot be traced</source>
        <translation>헤드가 계산 결과를 곱하거나 더하며({kind}), 이는 추적할 수 없습니다</translation>
    </message>
    <message>
        <source>its head has a {kind} of a constant, which cannot be traced</source>
        <translation>헤드에 상수의 {kind}이(가) 있어 추적할 수 없습니다</translation>
    </message>
    <message>
        <source>its head has a convolution over several places, which cannot be traced</source>
        <translation>헤드에 여러 위치에 걸친 합성곱이 있어 추적할 수 없습니다</translation>
    </message>
    <message>
        <source>its head pools with padding, which cannot be traced</source>
        <translation>헤드가 패딩과 함께 풀링하여 추적할 수 없습니다</translation>
    </message>
    <message>
        <source>its head repeats what it computes, which cannot be traced</source>
        <translation>헤드가 계산 결과를 반복하여 추적할 수 없습니다</translation>
    </message>
    <message>
        <source>There is no model yet. `{build_command}` builds one.</source>
        <translation>아직 모델이 없습니다. `{build_command}`(으)로 만듭니다.</translation>
    </message>
    <message>
        <source>Build it again with `{build_command}`.</source>
        <translation>`{build_command}`(으)로 다시 만드세요.</translation>
    </message>
    <message>
        <source>its output is not a number (NaN or infinite)</source>
        <translation>출력이 숫자가 아닙니다(NaN 또는 무한대)</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; takes {found}, but its model.json describes one uint8 clip (1, {frames}, height, width, 3). {build_again}</source>
        <translation>모델 &apos;{name}&apos;의 입력은 {found}인데 model.json에는 uint8 클립 하나 (1, {frames}, height, width, 3)(으)로 적혀 있습니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; has {found}, but its model.json names {classes} labels, for which a map &apos;{features}&apos;, &apos;{boxes}&apos; (people, 4) and an output &apos;{probabilities}&apos; (people, {classes}) are expected. {build_again}</source>
        <translation>모델 &apos;{name}&apos;에는 {found}이(가) 있는데 model.json에는 라벨이 {classes}개이므로 맵 &apos;{features}&apos;, &apos;{boxes}&apos; (people, 4), 출력 &apos;{probabilities}&apos; (people, {classes})이(가) 필요합니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not work: {error}.</source>
        <translation>모델 &apos;{name}&apos;이(가) 동작하지 않습니다: {error}.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not run on {device}. Choose another device.</source>
        <translation>모델 &apos;{name}&apos;이(가) {device}에서 실행되지 않습니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives values {shape} from {least:.3f} to {most:.3f} for {count} people: expected a score in 0..1 for each of {labels} labels. {build_again}</source>
        <translation>모델 &apos;{name}&apos;이(가) {count}명에 대해 {least:.3f}~{most:.3f} 범위의 값 {shape}을(를) 냅니다. 라벨 {labels}개마다 0~1의 점수가 필요합니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does, in two networks: it runs on this machine only, not on {text}. Choose another device.</source>
        <translation>모델 &apos;{name}&apos;은(는) 두 네트워크로 사람마다 무엇을 하는지 평가합니다. {text}이(가) 아니라 이 컴퓨터에서만 실행됩니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>An inference server needs the package grpcio. Install it: {command}</source>
        <translation>추론 서버에는 패키지 grpcio가 필요합니다. 설치: {command}</translation>
    </message>
    <message>
        <source>No GPU that OpenVINO can use was found. It needs an Intel GPU and its OpenCL driver.</source>
        <translation>OpenVINO가 쓸 수 있는 GPU를 찾지 못했습니다. Intel GPU와 OpenCL 드라이버가 필요합니다.</translation>
    </message>
    <message>
        <source>No NPU that OpenVINO can use was found. It needs an Intel Core Ultra processor and the NPU driver.</source>
        <translation>OpenVINO가 쓸 수 있는 NPU를 찾지 못했습니다. Intel Core Ultra 프로세서와 NPU 드라이버가 필요합니다.</translation>
    </message>
    <message>
        <source>There is no device &apos;{name}&apos;.</source>
        <translation>장치 &apos;{name}&apos;이(가) 없습니다.</translation>
    </message>
    <message>
        <source>{reason} Available devices: {choices}.</source>
        <translation>{reason} 사용할 수 있는 장치: {choices}.</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model.</source>
        <translation>{path}은(는) 읽을 수 있는 OpenVINO 모델이 아닙니다.</translation>
    </message>
    <message>
        <source>{title} cannot be explained: {message}.</source>
        <translation>{title}의 근거를 보일 수 없습니다: {message}.</translation>
    </message>
    <message>
        <source>{title} cannot be explained: its logits do not fit its labels.</source>
        <translation>{title}의 근거를 보일 수 없습니다. 로짓이 라벨과 맞지 않습니다.</translation>
    </message>
    <message>
        <source>{title} cannot be explained on {device}. Choose another device.</source>
        <translation>{device}에서는 {title}의 근거를 보일 수 없습니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>{title} has no action &apos;{label}&apos;.</source>
        <translation>{title}에 동작 &apos;{label}&apos;이(가) 없습니다.</translation>
    </message>
    <message>
        <source>{title} could not be explained.</source>
        <translation>{title}의 근거를 보이지 못했습니다.</translation>
    </message>
    <message>
        <source>The network has {count} pathways, which cannot be explained.</source>
        <translation>네트워크에 경로가 {count}개 있어 근거를 보일 수 없습니다.</translation>
    </message>
    <message>
        <source>one name a line, a JSON list or mapping of names and numbers, or CSV with a name and its number</source>
        <translation>한 줄에 이름 하나, 이름과 번호의 JSON 목록 또는 매핑, 이름과 번호가 있는 CSV</translation>
    </message>
    <message>
        <source>The number of classes is from 1 to {max_classes:,}, not {classes:,}.</source>
        <translation>클래스 수는 1~{max_classes:,}이어야 하며 {classes:,}은(는) 안 됩니다.</translation>
    </message>
    <message>
        <source>{file} holds {count:,} names, but {classes:,} classes were requested.</source>
        <translation>{file}에는 이름이 {count:,}개 있는데 클래스 {classes:,}개를 요청했습니다.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: it is too large ({size:.0f} MB).</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다. 너무 큽니다({size:.0f} MB).</translation>
    </message>
    <message>
        <source>The labels {file} cannot be read: {reason}.</source>
        <translation>라벨 {file}을(를) 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: expected UTF-8 text, {forms}.</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다. UTF-8 텍스트여야 합니다: {forms}.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: {error}. Expected {forms}.</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다: {error}. 필요한 형식: {forms}.</translation>
    </message>
    <message>
        <source>{file} holds no names: expected {forms}.</source>
        <translation>{file}에 이름이 없습니다. 필요한 형식: {forms}.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: name {number} is empty.</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다. {number}번째 이름이 비어 있습니다.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: control characters in &apos;{odd}&apos;.</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다. &apos;{odd}&apos;에 제어 문자가 있습니다.</translation>
    </message>
    <message>
        <source>{file} is no list of labels: a name has {count:,} characters, expected {longest_name} at most.</source>
        <translation>{file}은(는) 라벨 목록이 아닙니다. {count:,}자인 이름이 있습니다. 최대 {longest_name}자입니다.</translation>
    </message>
    <message>
        <source>{file} holds names twice: &apos;{label}&apos;.</source>
        <translation>{file}에 같은 이름이 두 번 있습니다: &apos;{label}&apos;.</translation>
    </message>
    <message>
        <source>{file} holds {count:,} names; a model has {max_classes:,} classes at most.</source>
        <translation>{file}에는 이름이 {count:,}개 있습니다. 모델은 클래스를 최대 {max_classes:,}개 가집니다.</translation>
    </message>
    <message>
        <source>{suffix} files are not read here</source>
        <translation>{suffix} 파일은 여기서 읽지 않습니다</translation>
    </message>
    <message>
        <source>it is not valid JSON ({error})</source>
        <translation>올바른 JSON이 아닙니다({error})</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; stands twice in an object</source>
        <translation>&apos;{name}&apos;이(가) 한 객체에 두 번 있습니다</translation>
    </message>
    <message>
        <source>its JSON is neither a list of names nor a mapping of names and numbers</source>
        <translation>JSON이 이름 목록도, 이름과 번호의 매핑도 아닙니다</translation>
    </message>
    <message>
        <source>an item of its label map has no name or no id</source>
        <translation>라벨 맵의 항목에 이름이나 id가 없습니다</translation>
    </message>
    <message>
        <source>no column of it is known to hold the names (name, label, class) or their numbers</source>
        <translation>이름(name, label, class)이나 번호가 든 열을 찾을 수 없습니다</translation>
    </message>
    <message>
        <source>its rows hold no name with its number</source>
        <translation>행에 이름과 번호가 없습니다</translation>
    </message>
    <message>
        <source>its column &apos;{head}&apos; holds numbers, and no column its names</source>
        <translation>열 &apos;{head}&apos;에는 번호가 있지만 이름이 든 열이 없습니다</translation>
    </message>
    <message>
        <source>the number {number} stands {count} times</source>
        <translation>번호 {number}이(가) {count}번 나옵니다</translation>
    </message>
    <message>
        <source>the number {missing} is missing: names are numbered from 0 or 1 without a gap</source>
        <translation>번호 {missing}이(가) 없습니다. 이름은 0이나 1부터 빠짐없이 번호를 매깁니다</translation>
    </message>
    <message>
        <source>There is a model called {name} already: {output}. It is left as it is.</source>
        <translation>{name}이라는 모델이 이미 있습니다: {output}. 그대로 둡니다.</translation>
    </message>
    <message>
        <source>{path} is no ZIP archive that can be read: {error}.</source>
        <translation>{path}은(는) 읽을 수 있는 ZIP 압축 파일이 아닙니다: {error}.</translation>
    </message>
    <message>
        <source>{path} cannot be unpacked into {output}: {reason}.</source>
        <translation>{path}을(를) {output}에 풀 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{path} holds a model with a name that cannot be used: &apos;{title}&apos;.</source>
        <translation>{path}에 쓸 수 없는 이름의 모델이 있습니다: &apos;{title}&apos;.</translation>
    </message>
    <message>
        <source>{path} holds no model: expected folders with {spec_file}, {ir_file} and {weights_file}, as they lie in the folder of models of another machine.</source>
        <translation>{path}에 모델이 없습니다. 다른 컴퓨터의 모델 폴더처럼 {spec_file}, {ir_file}, {weights_file}이(가) 든 폴더가 필요합니다.</translation>
    </message>
    <message>
        <source>The models unpack to more than {max_bytes:.0f} GB, which is too much.</source>
        <translation>모델을 풀면 {max_bytes:.0f} GB가 넘습니다. 너무 큽니다.</translation>
    </message>
    <message>
        <source>The archive has a link ({filename}), which is not followed.</source>
        <translation>압축 파일에 링크({filename})가 있으며, 따라가지 않습니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; was compiled for {device} but does not run there. Choose another device.</source>
        <translation>모델 &apos;{name}&apos;을(를) {device}용으로 컴파일했지만 거기서 실행되지 않습니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; cannot be compiled for {device}. Choose another device or model.</source>
        <translation>모델 &apos;{name}&apos;을(를) {device}용으로 컴파일할 수 없습니다. 다른 장치나 모델을 선택하세요.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does, in two networks: it runs on this machine only.</source>
        <translation>모델 &apos;{name}&apos;은(는) 두 네트워크로 사람마다 무엇을 하는지 평가하며, 이 컴퓨터에서만 실행됩니다.</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model. {build_again}</source>
        <translation>{path}은(는) 읽을 수 있는 OpenVINO 모델이 아닙니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; takes {found}, but its model.json describes one uint8 clip {wanted}. {build_again}</source>
        <translation>모델 &apos;{name}&apos;의 입력은 {found}인데 model.json에는 uint8 클립 하나 {wanted}(으)로 적혀 있습니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives {found}, but its model.json names {classes} labels, for which an output &apos;{probabilities}&apos; (1, {classes}) is expected. {build_again}</source>
        <translation>모델 &apos;{name}&apos;의 출력은 {found}인데 model.json에는 라벨이 {classes}개이므로 출력 &apos;{probabilities}&apos; (1, {classes})이(가) 필요합니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; carries a description that cannot be read.</source>
        <translation>모델 &apos;{name}&apos;에 든 설명을 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; does not fit its model.json: &apos;{field}&apos; differs from what the network itself carries. {build_again}</source>
        <translation>모델 &apos;{name}&apos;이(가) model.json과 맞지 않습니다. &apos;{field}&apos;이(가) 네트워크에 든 것과 다릅니다. {build_again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; gives values that are no probabilities (sum {total:.3f}, smallest {least:.3f}, largest {most:.3f}). {build_again}</source>
        <translation>모델 &apos;{name}&apos;의 값이 확률이 아닙니다(합 {total:.3f}, 최소 {least:.3f}, 최대 {most:.3f}). {build_again}</translation>
    </message>
    <message>
        <source>{path} is not a readable OpenVINO model.{again}</source>
        <translation>{path}은(는) 읽을 수 있는 OpenVINO 모델이 아닙니다.{again}</translation>
    </message>
    <message>
        <source>{path} takes {found}, but its description says one uint8 picture {shape}.{again}</source>
        <translation>{path}의 입력은 {found}인데 설명에는 uint8 영상 하나 {shape}(으)로 적혀 있습니다.{again}</translation>
    </message>
    <message>
        <source>{name} does not run on {device}. Choose another device.</source>
        <translation>{name}이(가) {device}에서 실행되지 않습니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>A network cannot be compiled for {device}. Choose another device.</source>
        <translation>네트워크를 {device}용으로 컴파일할 수 없습니다. 다른 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>Expected an address such as {example}, or grpcs://HOST:PORT for an encrypted connection</source>
        <translation>{example} 같은 주소, 또는 암호화된 연결이면 grpcs://HOST:PORT가 필요합니다</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is no address of an inference server: {error}. {expected}.</source>
        <translation>&apos;{text}&apos;은(는) 추론 서버의 주소가 아닙니다: {error}. {expected}.</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is no address of an inference server. {expected}.</source>
        <translation>&apos;{text}&apos;은(는) 추론 서버의 주소가 아닙니다. {expected}.</translation>
    </message>
    <message>
        <source>An address of an inference server has no user name and no &apos;#&apos;. {expected}.</source>
        <translation>추론 서버의 주소에는 사용자 이름과 &apos;#&apos;이 없습니다. {expected}.</translation>
    </message>
    <message>
        <source>&apos;{model}&apos; is no name of a model on a server. {expected}, optionally with /MODEL behind it.</source>
        <translation>&apos;{model}&apos;은(는) 서버 모델의 이름이 아닙니다. {expected}. 뒤에 /MODEL을 붙일 수 있습니다.</translation>
    </message>
    <message>
        <source>&apos;{text}&apos;: only ?ca=FILE may follow, and only after {tls}://. {expected}.</source>
        <translation>&apos;{text}&apos;: 뒤에는 ?ca=FILE만, 그것도 {tls}:// 다음에만 올 수 있습니다. {expected}.</translation>
    </message>
    <message>
        <source>Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>다시 내보내세요: slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} takes {found}, but its model.json here describes one clip UINT8 {wanted}. {again}</source>
        <translation>{where}의 모델 &apos;{name}&apos;의 입력은 {found}인데 여기 model.json에는 UINT8 클립 하나 {wanted}(으)로 적혀 있습니다. {again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} gives {found}, but its model.json here names {classes} labels, for which an output &apos;{probabilities}&apos; [1, {classes}] is expected. {again}</source>
        <translation>{where}의 모델 &apos;{name}&apos;의 출력은 {found}인데 여기 model.json에는 라벨이 {classes}개이므로 출력 &apos;{probabilities}&apos; [1, {classes}]이(가) 필요합니다. {again}</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} was exported with other labels than its model.json here has. Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>{where}의 모델 &apos;{name}&apos;은(는) 여기 model.json과 다른 라벨로 내보낸 것입니다. 다시 내보내세요: slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} answers otherwise than the same model on this machine: it has other weights or labels. Export it anew: slowfast-live models export {name} --server DIR</source>
        <translation>{where}의 모델 &apos;{name}&apos;이(가) 이 컴퓨터의 같은 모델과 다르게 답합니다. 가중치나 라벨이 다릅니다. 다시 내보내세요: slowfast-live models export {name} --server DIR</translation>
    </message>
    <message>
        <source>Model &apos;{model}&apos; on {shown}</source>
        <translation>{shown}의 모델 &apos;{model}&apos;</translation>
    </message>
    <message>
        <source>The connection to {server} is closed.</source>
        <translation>{server}와(과)의 연결이 끊어졌습니다.</translation>
    </message>
    <message>
        <source>The inference server {server} does not answer. Check that it runs and that the address is right.</source>
        <translation>추론 서버 {server}이(가) 응답하지 않습니다. 실행 중인지, 주소가 맞는지 확인하세요.</translation>
    </message>
    <message>
        <source>The inference server {server} took too long. Check that it runs and that the address is right.</source>
        <translation>추론 서버 {server}의 응답이 너무 늦습니다. 실행 중인지, 주소가 맞는지 확인하세요.</translation>
    </message>
    <message>
        <source>The inference server {server} has no model &apos;{model}&apos;. Give it one: slowfast-live models export {model} --server DIR</source>
        <translation>추론 서버 {server}에 모델 &apos;{model}&apos;이(가) 없습니다. 모델 넣기: slowfast-live models export {model} --server DIR</translation>
    </message>
    <message>
        <source>{model} refuses: {first}.</source>
        <translation>{model}이(가) 거부합니다: {first}.</translation>
    </message>
    <message>
        <source>The certificates in {ca} cannot be read: {reason}.</source>
        <translation>{ca}의 인증서를 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{who} gives {datatype} for &apos;{wanted}&apos;; expected FP32.</source>
        <translation>{who}의 &apos;{wanted}&apos;이(가) {datatype}입니다. FP32여야 합니다.</translation>
    </message>
    <message>
        <source>{who} gives {count} bytes for &apos;{wanted}&apos;, which are no {datatype} values.</source>
        <translation>{who}의 &apos;{wanted}&apos;이(가) {count}바이트이며, {datatype} 값이 아닙니다.</translation>
    </message>
    <message>
        <source>{who} gives {size} values with shape {shape}; expected [1, ...].</source>
        <translation>{who}이(가) 모양이 {shape}인 값 {size}개를 냅니다. [1, ...]이어야 합니다.</translation>
    </message>
    <message>
        <source>{who} gives {found}; expected an output &apos;{wanted}&apos;.</source>
        <translation>{who}의 출력은 {found}입니다. 출력 &apos;{wanted}&apos;이(가) 필요합니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; is not ready on {server}.</source>
        <translation>{server}의 모델 &apos;{name}&apos;이(가) 준비되지 않았습니다.</translation>
    </message>
    <message>
        <source>no device of this machine</source>
        <translation>이 컴퓨터의 어떤 장치도 아님</translation>
    </message>
    <message>
        <source>{problem} {device} takes over until it is back.</source>
        <translation>{problem} 복구될 때까지 {device}에서 대신 실행합니다.</translation>
    </message>
    <message>
        <source>The inference server {where} gave an unexpected error.</source>
        <translation>추론 서버 {where}에서 예기치 않은 오류가 났습니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; on {where} gives values with shape {shape}; expected {classes} probabilities.</source>
        <translation>{where}의 모델 &apos;{name}&apos;의 값 모양이 {shape}입니다. 확률 {classes}개가 필요합니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; failed on this machine: {error}.</source>
        <translation>이 컴퓨터에서 모델 &apos;{name}&apos;이(가) 실패했습니다: {error}.</translation>
    </message>
    <message>
        <source>The inference server {where} answers again and runs the model.</source>
        <translation>추론 서버 {where}이(가) 다시 응답하여 모델을 실행합니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; scores what each person does: it runs for one source, not side by side. Choose another model.</source>
        <translation>모델 &apos;{name}&apos;은(는) 사람마다 무엇을 하는지 평가하므로 소스 하나에서만 실행되고 여러 소스를 나란히 처리하지 못합니다. 다른 모델을 선택하세요.</translation>
    </message>
    <message>
        <source>the model was released</source>
        <translation>모델이 해제되었습니다</translation>
    </message>
    <message>
        <source>right at first guess ({metric})</source>
        <translation>첫 추측 정확도({metric})</translation>
    </message>
    <message>
        <source>right within {count} guesses ({metric})</source>
        <translation>{count}개 추측 안의 정확도({metric})</translation>
    </message>
    <message>
        <source>rendered clips that it was not trained on</source>
        <translation>학습에 쓰지 않은 렌더링 클립</translation>
    </message>
    <message>
        <source>{clips} clips that it was not trained on</source>
        <translation>학습에 쓰지 않은 {clips} 클립</translation>
    </message>
    <message>
        <source>{where} does not describe a model: {error}.</source>
        <translation>{where}은(는) 모델 설명이 아닙니다: {error}.</translation>
    </message>
    <message>
        <source>{folder} has control characters in its name. Give the folder another name.</source>
        <translation>{folder}의 이름에 제어 문자가 있습니다. 폴더 이름을 바꾸세요.</translation>
    </message>
    <message>
        <source>{folder} is not a model folder: {name} is missing. Build it with `{build_command}`.</source>
        <translation>{folder}은(는) 모델 폴더가 아닙니다. {name}이(가) 없습니다. `{build_command}`(으)로 만드세요.</translation>
    </message>
    <message>
        <source>{folder} is too large to describe a model: {size:.0f} MB, expected less than {largest:.0f} MB. Build the model again with `{build_command}`.</source>
        <translation>{folder}은(는) 모델 설명으로는 너무 큽니다. {size:.0f} MB이며 {largest:.0f} MB보다 작아야 합니다. `{build_command}`(으)로 다시 만드세요.</translation>
    </message>
    <message>
        <source>{folder} is not complete: {name} is missing. Build it again with `{build_command}`.</source>
        <translation>{folder}이(가) 완전하지 않습니다. {name}이(가) 없습니다. `{build_command}`(으)로 다시 만드세요.</translation>
    </message>
    <message>
        <source>none is built yet; `{build_command}` builds them</source>
        <translation>아직 없음. `{build_command}`(으)로 만듭니다</translation>
    </message>
    <message>
        <source>There is no model &apos;{name_or_folder}&apos;. Models at hand: {known}.</source>
        <translation>모델 &apos;{name_or_folder}&apos;이(가) 없습니다. 있는 모델: {known}.</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>파일 또는 폴더가 없음</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>권한 없음</translation>
    </message>
    <message>
        <source>Operation not permitted</source>
        <translation>허용되지 않는 작업</translation>
    </message>
    <message>
        <source>Is a directory</source>
        <translation>폴더임</translation>
    </message>
    <message>
        <source>Not a directory</source>
        <translation>폴더가 아님</translation>
    </message>
    <message>
        <source>File exists</source>
        <translation>파일이 이미 있음</translation>
    </message>
    <message>
        <source>No space left on device</source>
        <translation>디스크에 남은 공간이 없음</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>입출력 오류</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>읽기 전용 파일 시스템</translation>
    </message>
    <message>
        <source>File name too long</source>
        <translation>파일 이름이 너무 김</translation>
    </message>
    <message>
        <source>Device or resource busy</source>
        <translation>장치나 자원이 사용 중임</translation>
    </message>
    <message>
        <source>Too many open files</source>
        <translation>열린 파일이 너무 많음</translation>
    </message>
    <message>
        <source>Too many levels of symbolic links</source>
        <translation>심볼릭 링크 단계가 너무 많음</translation>
    </message>
    <message>
        <source>Connection refused</source>
        <translation>연결이 거부됨</translation>
    </message>
    <message>
        <source>Connection reset by peer</source>
        <translation>상대가 연결을 끊음</translation>
    </message>
    <message>
        <source>No route to host</source>
        <translation>호스트로 가는 경로가 없음</translation>
    </message>
    <message>
        <source>Network is unreachable</source>
        <translation>네트워크에 연결할 수 없음</translation>
    </message>
    <message>
        <source>Address already in use</source>
        <translation>주소가 이미 사용 중임</translation>
    </message>
    <message>
        <source>Connection timed out</source>
        <translation>연결 시간이 초과됨</translation>
    </message>
    <message>
        <source>its boxes are far outside the picture, or its scores are no probabilities</source>
        <translation>상자가 화면에서 크게 벗어났거나 점수가 확률이 아닙니다</translation>
    </message>
    <message>
        <source>Person detector &apos;{name}&apos; failed: {message}.</source>
        <translation>사람 검출기 &apos;{name}&apos;이(가) 실패했습니다: {message}.</translation>
    </message>
    <message>
        <source>model &apos;{name}&apos; scores what each person does, but runs as one that classifies clips</source>
        <translation>모델 &apos;{name}&apos;은(는) 사람마다 무엇을 하는지 평가하지만 클립을 분류하는 모델로 실행됩니다</translation>
    </message>
    <message>
        <source>it gives no scores of people</source>
        <translation>사람의 점수를 내지 않습니다</translation>
    </message>
    <message>
        <source>it gives values {shape} for {count} people and {labels} labels</source>
        <translation>{count}명과 라벨 {labels}개에 대해 값 {shape}을(를) 냅니다</translation>
    </message>
    <message>
        <source>its outputs ({found}) are those of none of the detectors that can be used: YOLOX (1, {cells}, 5 + classes), SSD (1, 1, N, 7), Open Model Zoo&apos;s boxes (N, 5) with labels, or an SSD with {anchors} anchors</source>
        <translation>출력({found})이 쓸 수 있는 검출기의 것이 아닙니다: YOLOX (1, {cells}, 5 + classes), SSD (1, 1, N, 7), 라벨이 있는 Open Model Zoo 상자 (N, 5), 앵커 {anchors}개의 SSD</translation>
    </message>
    <message>
        <source>it gives {boxes} boxes of {values} values, expected {count}</source>
        <translation>값이 {values}개인 상자 {boxes}개를 냅니다. {count}개가 필요합니다</translation>
    </message>
    <message>
        <source>it gives boxes {boxes} and classes {classes} for {count} anchors</source>
        <translation>앵커 {count}개에 대해 상자 {boxes}, 클래스 {classes}을(를) 냅니다</translation>
    </message>
    <message>
        <source>{folder} is not a detector&apos;s folder: {name} is missing. Build it: `{detector_command}`.</source>
        <translation>{folder}은(는) 검출기 폴더가 아닙니다. {name}이(가) 없습니다. 만들기: `{detector_command}`.</translation>
    </message>
    <message>
        <source>{path} is too large to describe a detector. Build it again: `{detector_command}`.</source>
        <translation>{path}은(는) 검출기 설명으로는 너무 큽니다. 다시 만드세요: `{detector_command}`.</translation>
    </message>
    <message>
        <source>{path} does not describe a detector: {error}.</source>
        <translation>{path}은(는) 검출기 설명이 아닙니다: {error}.</translation>
    </message>
    <message>
        <source>none is built yet; `{detector_command}` builds one</source>
        <translation>아직 없음. `{detector_command}`(으)로 만듭니다</translation>
    </message>
    <message>
        <source>There is no person detector &apos;{name}&apos;. Detectors at hand: {known}.</source>
        <translation>사람 검출기 &apos;{name}&apos;이(가) 없습니다. 있는 검출기: {known}.</translation>
    </message>
    <message>
        <source>{name} cannot be read because of an unexpected error.</source>
        <translation>예기치 않은 오류로 {name}을(를) 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>{name} contains no pictures that can be decoded. Try another file.</source>
        <translation>{name}에 디코딩할 수 있는 영상이 없습니다. 다른 파일을 시도하세요.</translation>
    </message>
    <message>
        <source>{problem} Trying to reach it again.</source>
        <translation>{problem} 다시 연결을 시도합니다.</translation>
    </message>
    <message>
        <source>it has not answered for {hung_after_s:.0f} s</source>
        <translation>{hung_after_s:.0f}초 동안 응답하지 않았습니다</translation>
    </message>
    <message>
        <source>What moves is followed instead.</source>
        <translation>대신 움직이는 것을 따라갑니다.</translation>
    </message>
    <message>
        <source>Person detector &apos;{title}&apos; failed.</source>
        <translation>사람 검출기 &apos;{title}&apos;이(가) 실패했습니다.</translation>
    </message>
    <message>
        <source>Person detector &apos;{title}&apos; failed: {reason}.</source>
        <translation>사람 검출기 &apos;{title}&apos;이(가) 실패했습니다: {reason}.</translation>
    </message>
    <message>
        <source>{name} cannot be opened because of an unexpected error.</source>
        <translation>예기치 않은 오류로 {name}을(를) 열 수 없습니다.</translation>
    </message>
    <message>
        <source>it gives {size} values {shape} for {classes} labels</source>
        <translation>라벨 {classes}개에 대해 값 {size}개 {shape}을(를) 냅니다</translation>
    </message>
    <message>
        <source>This machine takes too long for all of the picture with {title}: people are recognized in its central square only.</source>
        <translation>이 컴퓨터에서는 {title}(으)로 화면 전체를 처리하기에 너무 오래 걸립니다. 가운데 정사각형 안의 사람만 인식합니다.</translation>
    </message>
    <message>
        <source>it has not answered for {stuck_after_s:.0f} s</source>
        <translation>{stuck_after_s:.0f}초 동안 응답하지 않았습니다</translation>
    </message>
    <message>
        <source>Model &apos;{model}&apos; failed on {device}: {error}. Choose another model or device.</source>
        <translation>{device}에서 모델 &apos;{model}&apos;이(가) 실패했습니다: {error}. 다른 모델이나 장치를 선택하세요.</translation>
    </message>
    <message>
        <source>{problem} {title} on {device} remains in use.</source>
        <translation>{problem} {device}의 {title}을(를) 계속 사용합니다.</translation>
    </message>
    <message>
        <source>The local feed needs a token.</source>
        <translation>로컬 피드에는 토큰이 필요합니다.</translation>
    </message>
    <message>
        <source>The local feed cannot use port {port}: {reason}. Choose another port.</source>
        <translation>로컬 피드가 포트 {port}을(를) 쓸 수 없습니다: {reason}. 다른 포트를 선택하세요.</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} refuses the connection: {reason}.</source>
        <translation>MQTT 브로커 {shown}이(가) 연결을 거부합니다: {reason}.</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} is away ({reason}); trying again.</source>
        <translation>MQTT 브로커 {shown}이(가) 사라졌습니다({reason}). 다시 시도합니다.</translation>
    </message>
    <message>
        <source>The MQTT broker {shown} cannot be reached. Is it running? Trying again.</source>
        <translation>MQTT 브로커 {shown}에 연결할 수 없습니다. 실행 중인가요? 다시 시도합니다.</translation>
    </message>
    <message>
        <source>MQTT needs the package paho-mqtt, which is missing: pip install &quot;slowfast-live[mqtt]&quot;.</source>
        <translation>MQTT에 필요한 패키지 paho-mqtt가 없습니다: pip install &quot;slowfast-live[mqtt]&quot;.</translation>
    </message>
    <message>
        <source>No text file is chosen yet.</source>
        <translation>아직 텍스트 파일을 고르지 않았습니다.</translation>
    </message>
    <message>
        <source>Expected mqtt://HOST, mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection</source>
        <translation>mqtt://HOST, mqtt://USER:PASSWORD@HOST:PORT/TOPIC, 암호화된 연결이면 mqtts://가 필요합니다</translation>
    </message>
    <message>
        <source>&apos;{shown}&apos; is no address of an MQTT broker. {expected}.</source>
        <translation>&apos;{shown}&apos;은(는) MQTT 브로커의 주소가 아닙니다. {expected}.</translation>
    </message>
    <message>
        <source>The topic &apos;{topic}&apos; cannot be used: expected a name without &apos;+&apos; and &apos;#&apos;.</source>
        <translation>토픽 &apos;{topic}&apos;을(를) 쓸 수 없습니다. &apos;+&apos;와 &apos;#&apos;이 없는 이름이 필요합니다.</translation>
    </message>
    <message>
        <source>{path} {reason}. It is left as it is; name another file.</source>
        <translation>{path}: {reason}. 그대로 둡니다. 다른 파일을 지정하세요.</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>{path}에 쓸 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>Recording {name} failed because of an unexpected error.</source>
        <translation>예기치 않은 오류로 {name} 녹화에 실패했습니다.</translation>
    </message>
    <message>
        <source>There is nothing to save yet: no picture has arrived.</source>
        <translation>아직 저장할 것이 없습니다. 영상이 오지 않았습니다.</translation>
    </message>
    <message>
        <source>Recordings cannot be kept in {folder}: {reason}</source>
        <translation>{folder}에 녹화를 둘 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>The rule&apos;s command cannot run: there is no program &apos;{program}&apos;.</source>
        <translation>규칙의 명령을 실행할 수 없습니다. 프로그램 &apos;{program}&apos;이(가) 없습니다.</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; did not end within {timeout_s:.0f} s and was stopped.</source>
        <translation>규칙의 명령 &apos;{program}&apos;이(가) {timeout_s:.0f}초 안에 끝나지 않아 중지했습니다.</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; cannot run: {why}.</source>
        <translation>규칙의 명령 &apos;{program}&apos;을(를) 실행할 수 없습니다: {why}.</translation>
    </message>
    <message>
        <source>The rule&apos;s command &apos;{program}&apos; failed with exit code {returncode}.</source>
        <translation>규칙의 명령 &apos;{program}&apos;이(가) 종료 코드 {returncode}(으)로 실패했습니다.</translation>
    </message>
    <message>
        <source>{shown} sends on to {host}, which is not followed. Type the address it leads to.</source>
        <translation>{shown}이(가) {host}(으)로 넘깁니다. 따라가지 않습니다. 넘겨진 주소를 직접 입력하세요.</translation>
    </message>
    <message>
        <source>{shown} refused what the rule sent: {code} {reason}.</source>
        <translation>{shown}이(가) 규칙이 보낸 것을 거부했습니다: {code} {reason}.</translation>
    </message>
    <message>
        <source>{shown} did not answer the rule within {timeout_s:.0f} s.</source>
        <translation>{shown}이(가) {timeout_s:.0f}초 안에 규칙에 응답하지 않았습니다.</translation>
    </message>
    <message>
        <source>{shown} cannot be reached by the rule: {why}.</source>
        <translation>규칙이 {shown}에 연결할 수 없습니다: {why}.</translation>
    </message>
    <message>
        <source>a threshold lies between 0 and 1, got {value}</source>
        <translation>임계값은 0과 1 사이여야 하는데 {value}입니다</translation>
    </message>
    <message>
        <source>{name} is a number of seconds, 0 or more, got {value}</source>
        <translation>{name}은(는) 0 이상의 초여야 하는데 {value}입니다</translation>
    </message>
    <message>
        <source>a number of people lies between 0 and {most}, got {value}</source>
        <translation>사람 수는 0과 {most} 사이여야 하는데 {value}입니다</translation>
    </message>
    <message>
        <source>&apos;{address}&apos; is no web address. Expected http://host/path or https://host/path</source>
        <translation>&apos;{address}&apos;은(는) 웹 주소가 아닙니다. http://host/path 또는 https://host/path가 필요합니다</translation>
    </message>
    <message>
        <source>no program reads from this pipe</source>
        <translation>이 파이프를 읽는 프로그램이 없음</translation>
    </message>
    <message>
        <source>The session log {path} can no longer be written: {reason}. The app continues without it.</source>
        <translation>세션 로그 {path}에 더는 쓸 수 없습니다: {reason}. 앱은 로그 없이 계속합니다.</translation>
    </message>
    <message>
        <source>{where} contains impossible values.</source>
        <translation>{where}에 있을 수 없는 값이 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains impossible decisions.</source>
        <translation>{where}에 있을 수 없는 판정이 있습니다.</translation>
    </message>
    <message>
        <source>{where} is larger than a session can be ({max_bytes} MB).</source>
        <translation>{where}은(는) 세션의 최대 크기({max_bytes} MB)보다 큽니다.</translation>
    </message>
    <message>
        <source>{where} is not a session of SlowFast Live.</source>
        <translation>{where}은(는) SlowFast Live의 세션이 아닙니다.</translation>
    </message>
    <message>
        <source>{where} was written by a newer version of SlowFast Live. Update to open it.</source>
        <translation>{where}은(는) 더 새로운 버전의 SlowFast Live에서 만든 것입니다. 열려면 업데이트하세요.</translation>
    </message>
    <message>
        <source>{where} is not a session of SlowFast Live, or it is damaged.</source>
        <translation>{where}은(는) SlowFast Live의 세션이 아니거나 손상되었습니다.</translation>
    </message>
    <message>
        <source>{where} is damaged.</source>
        <translation>{where}이(가) 손상되었습니다.</translation>
    </message>
    <message>
        <source>{where} contains an impossible edit.</source>
        <translation>{where}에 있을 수 없는 편집이 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains impossible times.</source>
        <translation>{where}에 있을 수 없는 시각이 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains a duplicate label.</source>
        <translation>{where}에 중복된 라벨이 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains an impossible event.</source>
        <translation>{where}에 있을 수 없는 이벤트가 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains overlapping events.</source>
        <translation>{where}에 겹치는 이벤트가 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains an empty name.</source>
        <translation>{where}에 빈 이름이 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains text with control characters.</source>
        <translation>{where}의 텍스트에 제어 문자가 있습니다.</translation>
    </message>
    <message>
        <source>The session</source>
        <translation>이 세션</translation>
    </message>
    <message>
        <source>{where} contains damaged data.</source>
        <translation>{where}에 손상된 데이터가 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains too many boxes of people.</source>
        <translation>{where}에 사람 상자가 너무 많습니다.</translation>
    </message>
    <message>
        <source>{where} contains one person twice.</source>
        <translation>{where}에 같은 사람이 두 번 있습니다.</translation>
    </message>
    <message>
        <source>{where} contains too many events of people.</source>
        <translation>{where}에 사람의 이벤트가 너무 많습니다.</translation>
    </message>
    <message>
        <source>{where} contains times in disorder.</source>
        <translation>{where}의 시각 순서가 뒤섞여 있습니다.</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}</source>
        <translation>{path}을(를) 읽을 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>The sessions in {folder} cannot be read.</source>
        <translation>{folder}의 세션을 읽을 수 없습니다.</translation>
    </message>
    <message>
        <source>{path} contains another session than its name indicates.</source>
        <translation>{path}에 이름과 다른 세션이 들어 있습니다.</translation>
    </message>
    <message>
        <source>{problem} It was moved to {name}; everything else is as it was.</source>
        <translation>{problem} {name}(으)로 옮겼습니다. 나머지는 그대로입니다.</translation>
    </message>
    <message>
        <source>Another program holds {folder}; waiting for it.</source>
        <translation>다른 프로그램이 {folder}을(를) 쓰고 있어 기다립니다.</translation>
    </message>
    <message>
        <source>Nothing can be written to {folder}: {reason}</source>
        <translation>{folder}에 아무것도 쓸 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>{path} is no file. Choose a file that ends with {suffix}.</source>
        <translation>{path}은(는) 파일이 아닙니다. {suffix}(으)로 끝나는 파일을 선택하세요.</translation>
    </message>
    <message>
        <source>The settings in {path} cannot be read; defaults are used.</source>
        <translation>{path}의 설정을 읽을 수 없어 기본값을 사용합니다.</translation>
    </message>
    <message>
        <source>The settings in {path} are damaged; defaults are used. {kept}</source>
        <translation>{path}의 설정이 손상되어 기본값을 사용합니다. {kept}</translation>
    </message>
    <message>
        <source>Some settings make no sense and were reset: {names}. {kept}</source>
        <translation>맞지 않는 설정을 초기화했습니다: {names}. {kept}</translation>
    </message>
    <message>
        <source>The old file is kept as {name}.</source>
        <translation>이전 파일은 {name}(으)로 보관됩니다.</translation>
    </message>
    <message>
        <source>What is there is kept as {name}.</source>
        <translation>있던 것은 {name}(으)로 보관됩니다.</translation>
    </message>
    <message>
        <source>The settings cannot be saved to {path}: {reason}. Is the folder writable?</source>
        <translation>설정을 {path}에 저장할 수 없습니다: {reason}. 폴더에 쓸 수 있나요?</translation>
    </message>
    <message>
        <source>Expected a camera (&quot;0&quot;, &quot;camera:0&quot;, &quot;/dev/video0&quot;), a video file, a folder of pictures, a URL ({schemes}), &quot;screen&quot; or &quot;demo&quot;.</source>
        <translation>카메라(&quot;0&quot;, &quot;camera:0&quot;, &quot;/dev/video0&quot;), 동영상 파일, 사진 폴더, URL({schemes}), &quot;screen&quot; 또는 &quot;demo&quot;가 필요합니다.</translation>
    </message>
    <message>
        <source>No source given. {expected}</source>
        <translation>소스가 없습니다. {expected}</translation>
    </message>
    <message>
        <source>{text!r} names a file on another machine ({netloc}). {expected}</source>
        <translation>{text!r}은(는) 다른 컴퓨터({netloc})의 파일입니다. {expected}</translation>
    </message>
    <message>
        <source>{text!r} names no file. {expected}</source>
        <translation>{text!r}은(는) 파일이 아닙니다. {expected}</translation>
    </message>
    <message>
        <source>{text!r} names no camera. {expected}</source>
        <translation>{text!r}은(는) 카메라가 아닙니다. {expected}</translation>
    </message>
    <message>
        <source>{scheme}:// is no kind of source. {expected}</source>
        <translation>{scheme}://은(는) 소스의 종류가 아닙니다. {expected}</translation>
    </message>
    <message>
        <source>{text!r} names no host. {expected}</source>
        <translation>{text!r}에 호스트가 없습니다. {expected}</translation>
    </message>
    <message>
        <source>{name} is an animated picture of more than {max_bytes} MB.</source>
        <translation>{name}은(는) {max_bytes} MB가 넘는 움직이는 그림입니다.</translation>
    </message>
    <message>
        <source>{name} contains no complete frame. Is it truncated?</source>
        <translation>{name}에 온전한 프레임이 없습니다. 파일이 잘렸나요?</translation>
    </message>
    <message>
        <source>{name} is cut off; {count} frames are whole.</source>
        <translation>{name}이(가) 잘렸습니다. 프레임 {count}개는 온전합니다.</translation>
    </message>
    <message>
        <source>{name} is damaged or cut off after {times:.1f} s.</source>
        <translation>{name}이(가) {times:.1f}초 이후 손상되었거나 잘렸습니다.</translation>
    </message>
    <message>
        <source>{name} has pictures that would fill the memory.</source>
        <translation>{name}의 그림은 메모리를 가득 채울 만큼 큽니다.</translation>
    </message>
    <message>
        <source>{name} is not open.</source>
        <translation>{name}이(가) 열려 있지 않습니다.</translation>
    </message>
    <message>
        <source>{name} cannot be read as an animated picture: {reason}.</source>
        <translation>{name}을(를) 움직이는 그림으로 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{name} answers, but not in HTTP: it sent {head}. Is the port right?</source>
        <translation>{name}이(가) 응답하지만 HTTP가 아닙니다. 보낸 내용: {head}. 포트가 맞나요?</translation>
    </message>
    <message>
        <source>{name} answers, but sends nothing. Is the address complete, and is the camera on?</source>
        <translation>{name}이(가) 응답하지만 아무것도 보내지 않습니다. 주소가 온전하고 카메라가 켜져 있나요?</translation>
    </message>
    <message>
        <source>{name} is {kind} that names no video that can be read. Is the broadcast over?</source>
        <translation>{name}은(는) 읽을 수 있는 동영상이 없는 {kind}입니다. 방송이 끝났나요?</translation>
    </message>
    <message>
        <source>Open the address that it names.</source>
        <translation>그 안에 적힌 주소를 여세요.</translation>
    </message>
    <message>
        <source>{name} is {kind}, not a video. {advice}</source>
        <translation>{name}은(는) 동영상이 아니라 {kind}입니다. {advice}</translation>
    </message>
    <message>
        <source>{name} sends a single picture ({form}), not a video. Cameras have another address for their live stream: look for MJPEG or RTSP in its manual.</source>
        <translation>{name}은(는) 동영상이 아니라 사진 한 장({form})을 보냅니다. 카메라의 실시간 영상은 주소가 다릅니다. 설명서에서 MJPEG 또는 RTSP를 찾아보세요.</translation>
    </message>
    <message>
        <source>{name} sends a web page, not a video. Look for the address of the stream itself in the manual of the camera, or in the page.</source>
        <translation>{name}은(는) 동영상이 아니라 웹 페이지를 보냅니다. 카메라 설명서나 그 페이지에서 스트림 주소를 찾아보세요.</translation>
    </message>
    <message>
        <source>{name} sends sound ({content_type}), not a video.</source>
        <translation>{name}은(는) 동영상이 아니라 소리({content_type})를 보냅니다.</translation>
    </message>
    <message>
        <source>{name} sends text, not a video: {head}. Is the address right?</source>
        <translation>{name}은(는) 동영상이 아니라 텍스트를 보냅니다: {head}. 주소가 맞나요?</translation>
    </message>
    <message>
        <source>{name} sends data that is no video known here: it begins with {begin}. Is it damaged or encrypted, or the address that of another service?</source>
        <translation>{name}이(가) 보내는 데이터는 알려진 동영상이 아닙니다. 처음 바이트: {begin}. 손상되었거나 암호화되었거나, 다른 서비스의 주소인가요?</translation>
    </message>
    <message>
        <source>{name} sends data as {kind} that is no video known here: it begins with {begin}. Is it damaged or encrypted, or the address that of another service?</source>
        <translation>{name}이(가) {kind}(으)로 보내는 데이터는 알려진 동영상이 아닙니다. 처음 바이트: {begin}. 손상되었거나 암호화되었거나, 다른 서비스의 주소인가요?</translation>
    </message>
    <message>
        <source>{name} did not answer and was given up.</source>
        <translation>{name}이(가) 응답하지 않아 중단했습니다.</translation>
    </message>
    <message>
        <source>{name} gave no answer within {answer_s:g} s. Is its drive or network share still connected?</source>
        <translation>{name}이(가) {answer_s:g}초 동안 응답하지 않았습니다. 드라이브나 네트워크 공유가 연결되어 있나요?</translation>
    </message>
    <message>
        <source>Is another program using it? Your user needs access to it (group &apos;video&apos;).</source>
        <translation>다른 프로그램이 쓰고 있나요? 사용자에게 접근 권한(그룹 &apos;video&apos;)이 필요합니다.</translation>
    </message>
    <message>
        <source>Allow the camera for this app in System Settings &gt; Privacy &amp; Security &gt; Camera, and close other programs that use it.</source>
        <translation>시스템 설정 &gt; 개인정보 보호 및 보안 &gt; 카메라에서 이 앱에 카메라를 허용하고, 카메라를 쓰는 다른 프로그램을 닫으세요.</translation>
    </message>
    <message>
        <source>Allow desktop apps to use the camera in Settings &gt; Privacy &amp; security &gt; Camera, and close other programs that use it.</source>
        <translation>설정 &gt; 개인 정보 및 보안 &gt; 카메라에서 데스크톱 앱의 카메라 사용을 허용하고, 카메라를 쓰는 다른 프로그램을 닫으세요.</translation>
    </message>
    <message>
        <source>{title} is not open.</source>
        <translation>{title}이(가) 열려 있지 않습니다.</translation>
    </message>
    <message>
        <source>{title} is live and cannot be searched.</source>
        <translation>{title}은(는) 실시간이라 탐색할 수 없습니다.</translation>
    </message>
    <message>
        <source>{title} could not be opened.</source>
        <translation>{title}을(를) 열 수 없습니다.</translation>
    </message>
    <message>
        <source>{title} delivers no more pictures. Was it unplugged?</source>
        <translation>{title}에서 더는 영상이 오지 않습니다. 뽑혔나요?</translation>
    </message>
    <message>
        <source>There is no {node}. Is it plugged in?</source>
        <translation>{node}이(가) 없습니다. 연결되어 있나요?</translation>
    </message>
    <message>
        <source>You may not use {node}: your user needs to be in the group &apos;video&apos;.</source>
        <translation>{node}을(를) 사용할 권한이 없습니다. 사용자가 그룹 &apos;video&apos;에 있어야 합니다.</translation>
    </message>
    <message>
        <source>Is it plugged in?</source>
        <translation>연결되어 있나요?</translation>
    </message>
    <message>
        <source>choose a video, or a folder of pictures</source>
        <translation>동영상이나 사진 폴더를 선택하세요</translation>
    </message>
    <message>
        <source>{name} is a text, not a video; {instead}.</source>
        <translation>{name}은(는) 동영상이 아니라 텍스트입니다. {instead}.</translation>
    </message>
    <message>
        <source>{name} is a single picture; {instead}.</source>
        <translation>{name}은(는) 사진 한 장입니다. {instead}.</translation>
    </message>
    <message>
        <source>only sound</source>
        <translation>소리만</translation>
    </message>
    <message>
        <source>no video</source>
        <translation>동영상 없음</translation>
    </message>
    <message>
        <source>{name} holds {held}; choose a file with a picture.</source>
        <translation>{name}의 내용: {held}. 영상이 있는 파일을 선택하세요.</translation>
    </message>
    <message>
        <source>{name} has a coding that this app cannot decode.</source>
        <translation>{name}은(는) 이 앱이 디코딩할 수 없는 형식으로 압축되어 있습니다.</translation>
    </message>
    <message>
        <source>{name} has pictures of {width} x {height}, more than {max_pixels} million pixels: they would fill the memory. Choose a smaller version of it.</source>
        <translation>{name}의 화면은 {width} x {height}로 {max_pixels}백만 픽셀이 넘어 메모리를 가득 채웁니다. 더 작은 것을 선택하세요.</translation>
    </message>
    <message>
        <source>The demo clip {name} is missing from this installation; install the app again, or open a video file.</source>
        <translation>데모 클립 {name}이(가) 이 설치본에 없습니다. 앱을 다시 설치하거나 동영상 파일을 여세요.</translation>
    </message>
    <message>
        <source>{name}: {count} damaged part(s) could not be decoded.</source>
        <translation>{name}: 손상된 부분 {count}곳을 디코딩하지 못했습니다.</translation>
    </message>
    <message>
        <source>{name} ends at {cut_off_at_s:.1f} s although it states {stated_end_s:.1f} s: it seems to be cut off.</source>
        <translation>{name}이(가) {stated_end_s:.1f}초라고 되어 있지만 {cut_off_at_s:.1f}초에서 끝납니다. 잘린 것 같습니다.</translation>
    </message>
    <message>
        <source>{name} contains no picture that can be decoded. Is the file damaged?</source>
        <translation>{name}에 디코딩할 수 있는 영상이 없습니다. 파일이 손상되었나요?</translation>
    </message>
    <message>
        <source>{name} is a device or pipe, not a video file.</source>
        <translation>{name}은(는) 동영상 파일이 아니라 장치나 파이프입니다.</translation>
    </message>
    <message>
        <source>{name} is empty (0 bytes). Was it copied completely?</source>
        <translation>{name}이(가) 비어 있습니다(0바이트). 끝까지 복사되었나요?</translation>
    </message>
    <message>
        <source>{name} does not exist. Was it moved or renamed?</source>
        <translation>{name}이(가) 없습니다. 옮기거나 이름을 바꾸었나요?</translation>
    </message>
    <message>
        <source>{name} may not be read by you; check its permissions.</source>
        <translation>{name}을(를) 읽을 권한이 없습니다. 권한을 확인하세요.</translation>
    </message>
    <message>
        <source>{name} cannot be read: {reason}.</source>
        <translation>{name}을(를) 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{name} can no longer be read. Is the drive still there?</source>
        <translation>{name}을(를) 더는 읽을 수 없습니다. 드라이브가 연결되어 있나요?</translation>
    </message>
    <message>
        <source>{name} is not a video that can be read, or it is damaged (a recording that was interrupted has no index).</source>
        <translation>{name}은(는) 읽을 수 있는 동영상이 아니거나 손상되었습니다(중단된 녹화에는 색인이 없습니다).</translation>
    </message>
    <message>
        <source>{name} needs more memory than is available; choose a file with smaller pictures.</source>
        <translation>{name}에는 남은 것보다 많은 메모리가 필요합니다. 화면이 더 작은 파일을 선택하세요.</translation>
    </message>
    <message>
        <source>{name} holds pictures that this app does not read ({unread}). Convert them to JPEG or PNG, or choose a video.</source>
        <translation>{name}에는 이 앱이 읽지 못하는 사진({unread})이 있습니다. JPEG나 PNG로 바꾸거나 동영상을 선택하세요.</translation>
    </message>
    <message>
        <source>{name} is a folder without pictures that make a video; choose a video file in it.</source>
        <translation>{name}은(는) 동영상이 될 사진이 없는 폴더입니다. 그 안의 동영상 파일을 선택하세요.</translation>
    </message>
    <message>
        <source>{name} is a single picture ({form}); {instead}.</source>
        <translation>{name}은(는) 사진 한 장({form})입니다. {instead}.</translation>
    </message>
    <message>
        <source>{name} is a single picture ({form}), which this app does not read; {instead}.</source>
        <translation>{name}은(는) 이 앱이 읽지 못하는 사진 한 장({form})입니다. {instead}.</translation>
    </message>
    <message>
        <source>A rate is more than 0 and at most {max_rate:g} pictures a second, not {rate:g}.</source>
        <translation>초당 장수는 0보다 크고 {max_rate:g} 이하여야 하는데 {rate:g}입니다.</translation>
    </message>
    <message>
        <source>{name}: {missing} pictures are missing in the count (first {first}); the one before is shown instead.</source>
        <translation>{name}: 번호에서 사진 {missing}장이 빠졌습니다(처음은 {first}). 대신 앞 사진을 표시합니다.</translation>
    </message>
    <message>
        <source>{name}: 1 picture is missing in the count ({first}); the one before is shown instead.</source>
        <translation>{name}: 번호에서 사진 1장이 빠졌습니다({first}). 대신 앞 사진을 표시합니다.</translation>
    </message>
    <message>
        <source>{name}: {count} of {total} pictures cannot be read (first {first}).</source>
        <translation>{name}: 사진 {total}장 중 {count}장을 읽을 수 없습니다(처음은 {first}).</translation>
    </message>
    <message>
        <source>{name}: {count} of {total} pictures have another size and are fitted into {width} x {height}.</source>
        <translation>{name}: 사진 {total}장 중 {count}장은 크기가 달라 {width} x {height}에 맞췄습니다.</translation>
    </message>
    <message>
        <source>{path} does not exist. Was it moved or renamed?</source>
        <translation>{path}이(가) 없습니다. 옮기거나 이름을 바꾸었나요?</translation>
    </message>
    <message>
        <source>No picture is named like {name} in {parent}.</source>
        <translation>{parent}에 {name} 같은 이름의 사진이 없습니다.</translation>
    </message>
    <message>
        <source>None of the pictures in {name} can be read, not even {why}.</source>
        <translation>{name}의 사진을 하나도 읽을 수 없습니다. {why}도 마찬가지입니다.</translation>
    </message>
    <message>
        <source>an HLS playlist</source>
        <translation>HLS 재생 목록</translation>
    </message>
    <message>
        <source>a playlist (M3U)</source>
        <translation>재생 목록(M3U)</translation>
    </message>
    <message>
        <source>a playlist (PLS)</source>
        <translation>재생 목록(PLS)</translation>
    </message>
    <message>
        <source>a playlist (ASX)</source>
        <translation>재생 목록(ASX)</translation>
    </message>
    <message>
        <source>a playlist (XSPF)</source>
        <translation>재생 목록(XSPF)</translation>
    </message>
    <message>
        <source>a DASH manifest</source>
        <translation>DASH 매니페스트</translation>
    </message>
    <message>
        <source>a list of pieces (ffconcat)</source>
        <translation>조각 목록(ffconcat)</translation>
    </message>
    <message>
        <source>the description of a live stream (SDP)</source>
        <translation>실시간 스트림 설명(SDP)</translation>
    </message>
    <message>
        <source>This app does not read DASH; open the video itself, or its HLS address (.m3u8).</source>
        <translation>이 앱은 DASH를 읽지 못합니다. 동영상 자체나 HLS 주소(.m3u8)를 여세요.</translation>
    </message>
    <message>
        <source>Open the sender&apos;s own address, such as rtsp://host/path or udp://@:port.</source>
        <translation>보내는 쪽의 주소를 여세요. 예: rtsp://host/path 또는 udp://@:port.</translation>
    </message>
    <message>
        <source>Open what it names instead: {shown}.</source>
        <translation>대신 그 안에 적힌 것을 여세요: {shown}.</translation>
    </message>
    <message>
        <source>Open what it names instead: {shown}; it names {count}.</source>
        <translation>대신 그 안에 적힌 것을 여세요: {shown}. 모두 {count}개가 적혀 있습니다.</translation>
    </message>
    <message>
        <source>It names nothing.</source>
        <translation>아무것도 적혀 있지 않습니다.</translation>
    </message>
    <message>
        <source>{name} refers to the network ({url}); open that address instead.</source>
        <translation>{name}은(는) 네트워크({url})를 가리킵니다. 대신 그 주소를 여세요.</translation>
    </message>
    <message>
        <source>{name} names {target}, which does not exist or is not a file.</source>
        <translation>{name}에 적힌 {target}이(가) 없거나 파일이 아닙니다.</translation>
    </message>
    <message>
        <source>{name} names another list, {target}; name the videos themselves.</source>
        <translation>{name}에 다른 목록 {target}이(가) 적혀 있습니다. 동영상 자체를 적으세요.</translation>
    </message>
    <message>
        <source>{name} is a playlist that leads back to itself: it names no video.</source>
        <translation>{name}은(는) 자신으로 돌아오는 재생 목록입니다. 동영상이 적혀 있지 않습니다.</translation>
    </message>
    <message>
        <source>None of the {count} playlists that {name} names exists. Copy them beside it.</source>
        <translation>{name}에 적힌 재생 목록 {count}개가 모두 없습니다. 같은 폴더에 복사하세요.</translation>
    </message>
    <message>
        <source>none of the {missing} pieces that it names exists</source>
        <translation>적혀 있는 조각 {missing}개가 모두 없습니다</translation>
    </message>
    <message>
        <source>it names no pieces</source>
        <translation>조각이 적혀 있지 않습니다</translation>
    </message>
    <message>
        <source>{name} cannot be played: {what}.</source>
        <translation>{name}을(를) 재생할 수 없습니다: {what}.</translation>
    </message>
    <message>
        <source>{name}: {missing} of {total} pieces are missing.</source>
        <translation>{name}: 조각 {total}개 중 {missing}개가 없습니다.</translation>
    </message>
    <message>
        <source>{name} needs {target} to be decoded, but that does not exist.</source>
        <translation>{name}을(를) 디코딩하려면 {target}이(가) 필요한데 없습니다.</translation>
    </message>
    <message>
        <source>{name} is a list of more than {largest} MB: it is not played.</source>
        <translation>{name}은(는) {largest} MB가 넘는 목록이라 재생하지 않습니다.</translation>
    </message>
    <message>
        <source>{name} gives no preview of {t_s:.1f} s: {error}.</source>
        <translation>{name}의 {t_s:.1f}초 미리보기를 만들 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>URLs need the package fsspec. Install it: pip install &apos;slowfast-live[cluster]&apos;</source>
        <translation>URL에는 패키지 fsspec이 필요합니다. 설치: pip install &apos;slowfast-live[cluster]&apos;</translation>
    </message>
    <message>
        <source>{url} is no URL of a known kind: {error}.</source>
        <translation>{url}은(는) 알려진 종류의 URL이 아닙니다: {error}.</translation>
    </message>
    <message>
        <source>{url} cannot be fetched: {reason}.</source>
        <translation>{url}을(를) 가져올 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>the server sent nothing for {seconds} s</source>
        <translation>서버가 {seconds}초 동안 아무것도 보내지 않았습니다</translation>
    </message>
    <message>
        <source>nothing is found there. Check the address, and whether its server can be reached</source>
        <translation>거기에는 아무것도 없습니다. 주소와 서버 연결을 확인하세요</translation>
    </message>
    <message>
        <source>the server redirects in a circle</source>
        <translation>서버가 같은 주소로 계속 되돌립니다</translation>
    </message>
    <message>
        <source>the server sent less than it announced. Try again</source>
        <translation>서버가 알린 것보다 적게 보냈습니다. 다시 시도하십시오</translation>
    </message>
    <message>
        <source>the server answered with an error ({error}). Give a user name and password: http://user:password@host/...</source>
        <translation>서버가 오류로 응답했습니다({error}). 사용자 이름과 암호를 넣으십시오: http://user:password@host/...</translation>
    </message>
    <message>
        <source>the server answered with an error ({error})</source>
        <translation>서버가 오류로 응답했습니다({error})</translation>
    </message>
    <message>
        <source>There is no screen {screen}. Expected a number that is here: {there}.</source>
        <translation>화면 {screen}이(가) 없습니다. 있는 번호: {there}.</translation>
    </message>
    <message>
        <source>{title} does not lie on the screen, which is {width} × {height} pixels.</source>
        <translation>{title}이(가) {width} × {height} 픽셀인 화면 안에 있지 않습니다.</translation>
    </message>
    <message>
        <source>{title} can no longer be captured: {error}.</source>
        <translation>{title}을(를) 더는 캡처할 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>The screen cannot be captured in a Wayland session, because Wayland lets no program read what others show. Log in to an X11 (Xorg) session, or let a program such as OBS offer the screen as a virtual camera and choose that camera here.</source>
        <translation>Wayland 세션에서는 다른 프로그램의 화면을 읽을 수 없어 화면을 캡처할 수 없습니다. X11(Xorg) 세션으로 로그인하거나, OBS 같은 프로그램으로 화면을 가상 카메라로 내보내고 여기서 그 카메라를 선택하세요.</translation>
    </message>
    <message>
        <source>Expected &quot;screen&quot;, &quot;screen:2&quot;, &quot;screen:0&quot; (all screens), &quot;screen:1:LEFT,TOP,WIDTH,HEIGHT&quot; or &quot;screen:window:TITLE&quot;.</source>
        <translation>&quot;screen&quot;, &quot;screen:2&quot;, &quot;screen:0&quot;(모든 화면), &quot;screen:1:LEFT,TOP,WIDTH,HEIGHT&quot; 또는 &quot;screen:window:TITLE&quot;이 필요합니다.</translation>
    </message>
    <message>
        <source>No title of a window is given. {expected}</source>
        <translation>창 제목이 없습니다. {expected}</translation>
    </message>
    <message>
        <source>&apos;screen:{text}&apos; names no screen. {expected}</source>
        <translation>&apos;screen:{text}&apos;은(는) 화면이 아닙니다. {expected}</translation>
    </message>
    <message>
        <source>The region {width} × {height} is too small: expected at least {smallest} × {smallest} pixels.</source>
        <translation>영역 {width} × {height}이(가) 너무 작습니다. 적어도 {smallest} × {smallest} 픽셀이어야 합니다.</translation>
    </message>
    <message>
        <source>The screen cannot be captured: there is none (the variable DISPLAY is not set).</source>
        <translation>화면을 캡처할 수 없습니다. 화면이 없습니다(변수 DISPLAY가 설정되지 않음).</translation>
    </message>
    <message>
        <source>Capturing the screen needs the package mss, which is missing: pip install mss.</source>
        <translation>화면 캡처에 필요한 패키지 mss가 없습니다: pip install mss.</translation>
    </message>
    <message>
        <source>The screen cannot be captured: {error}.</source>
        <translation>화면을 캡처할 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>Single windows cannot be captured on this system; choose a screen or a region of it.</source>
        <translation>이 시스템에서는 창 하나만 캡처할 수 없습니다. 화면이나 그 영역을 선택하세요.</translation>
    </message>
    <message>
        <source>No window whose title contains &apos;{title}&apos; is on the screen (closed or minimized?). Open: {there}.</source>
        <translation>제목에 &apos;{title}&apos;이(가) 든 창이 화면에 없습니다(닫히거나 최소화됨?). 열린 창: {there}.</translation>
    </message>
    <message>
        <source>Listing windows needs the package python-xlib, which is missing: pip install python-xlib.</source>
        <translation>창 목록에 필요한 패키지 python-xlib이 없습니다: pip install python-xlib.</translation>
    </message>
    <message>
        <source>The windows cannot be listed: {problem}.</source>
        <translation>창 목록을 만들 수 없습니다: {problem}.</translation>
    </message>
    <message>
        <source>The window manager does not list its windows (_NET_CLIENT_LIST); choose a screen or a region of it.</source>
        <translation>창 관리자가 창 목록을 알려 주지 않습니다(_NET_CLIENT_LIST). 화면이나 그 영역을 선택하세요.</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name}은(는) 파일이 아닙니다.</translation>
    </message>
    <message>
        <source>{name} is not a picture that can be read.</source>
        <translation>{name}은(는) 읽을 수 있는 사진이 아닙니다.</translation>
    </message>
    <message>
        <source>{name} cannot be read as a picture: {error}.</source>
        <translation>{name}을(를) 사진으로 읽을 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>{name} is larger than {max_pixels} million pixels: it would fill the memory.</source>
        <translation>{name}은(는) {max_pixels}백만 픽셀이 넘어 메모리를 가득 채웁니다.</translation>
    </message>
    <message>
        <source>{name} ended before its first picture.</source>
        <translation>{name}이(가) 첫 영상이 오기 전에 끝났습니다.</translation>
    </message>
    <message>
        <source>{name} has ended: the sender closed the connection.</source>
        <translation>{name}이(가) 끝났습니다. 보내는 쪽이 연결을 닫았습니다.</translation>
    </message>
    <message>
        <source>{name} is a live stream and cannot be searched.</source>
        <translation>{name}은(는) 실시간 스트림이라 탐색할 수 없습니다.</translation>
    </message>
    <message>
        <source>{name} ended early: the server sent less than it announced.</source>
        <translation>{name}이(가) 일찍 끝났습니다. 서버가 알린 것보다 적게 보냈습니다.</translation>
    </message>
    <message>
        <source>{name} sends no picture that can be decoded since {silence_s:g} s.</source>
        <translation>{name}에서 {silence_s:g}초 동안 디코딩할 수 있는 영상이 오지 않았습니다.</translation>
    </message>
    <message>
        <source>{name} did not answer within {seconds:g} s. Is the sender running and reachable?</source>
        <translation>{name}이(가) {seconds:g}초 안에 응답하지 않았습니다. 보내는 쪽이 실행 중이고 연결할 수 있나요?</translation>
    </message>
    <message>
        <source>{name} fell silent: no data for {seconds:g} s.</source>
        <translation>{name}이(가) 조용해졌습니다. {seconds:g}초 동안 데이터가 없습니다.</translation>
    </message>
    <message>
        <source>{name} refused the connection. Is the sender running, and is the port right?</source>
        <translation>{name}이(가) 연결을 거부했습니다. 보내는 쪽이 실행 중이고 포트가 맞나요?</translation>
    </message>
    <message>
        <source>{name} refuses the user name and password given in the address.</source>
        <translation>{name}이(가) 주소에 적힌 사용자 이름과 비밀번호를 거부합니다.</translation>
    </message>
    <message>
        <source>{name} asks for a user name and password: {scheme}://user:password@host/...</source>
        <translation>{name}에 사용자 이름과 비밀번호가 필요합니다: {scheme}://user:password@host/...</translation>
    </message>
    <message>
        <source>{name}: the server answered with an error ({error}). Is the address right?</source>
        <translation>{name}: 서버가 오류로 응답했습니다({error}). 주소가 맞나요?</translation>
    </message>
    <message>
        <source>{name} answers, but not as {protocol} server does. Is the port right?</source>
        <translation>{name}이(가) 응답하지만 {protocol} 서버와 다릅니다. 포트가 맞나요?</translation>
    </message>
    <message>
        <source>{name} sends no video that can be read.</source>
        <translation>{name}에서 읽을 수 있는 동영상이 오지 않습니다.</translation>
    </message>
    <message>
        <source>{name} could not be opened: {error}.</source>
        <translation>{name}을(를) 열 수 없습니다: {error}.</translation>
    </message>
    <message>
        <source>{name} broke off: {error}.</source>
        <translation>{name}이(가) 끊겼습니다: {error}.</translation>
    </message>
    <message>
        <source>1 copy with labels drawn in by this program was left out: {names}.</source>
        <translation>이 프로그램이 라벨을 그린 복사본 1개를 제외했습니다: {names}.</translation>
    </message>
    <message>
        <source>{count} copies with labels drawn in by this program were left out: {names}.</source>
        <translation>이 프로그램이 라벨을 그린 복사본 {count}개를 제외했습니다: {names}.</translation>
    </message>
    <message>
        <source>No video was found in {places}.{notes} Looked for {video_suffixes}.</source>
        <translation>{places}에서 동영상을 찾지 못했습니다.{notes} 찾은 형식: {video_suffixes}.</translation>
    </message>
    <message>
        <source>{path} is a link to {target}, which does not exist.</source>
        <translation>{path}은(는) 존재하지 않는 {target}을(를) 가리키는 링크입니다.</translation>
    </message>
    <message>
        <source>There is no file or folder {path}.</source>
        <translation>{path} 파일이나 폴더가 없습니다.</translation>
    </message>
    <message>
        <source>The folder {folder} cannot be read: {reason}.</source>
        <translation>폴더 {folder}을(를) 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>“{name}”</source>
        <translation>“{name}”</translation>
    </message>
    <message>
        <source>“none of these”</source>
        <translation>“해당 없음”</translation>
    </message>
    <message>
        <source>{names} and {last}</source>
        <translation>{names}, {last}</translation>
    </message>
    <message>
        <source>1 take</source>
        <translation>예 1개</translation>
    </message>
    <message>
        <source>{count} takes</source>
        <translation>예 {count}개</translation>
    </message>
    <message>
        <source>It cannot be tested yet: each action has one take only.</source>
        <translation>아직 시험할 수 없습니다. 동작마다 예가 하나뿐입니다.</translation>
    </message>
    <message>
        <source>It works well: {right} of {takes} that it had not seen got their action.</source>
        <translation>잘 됩니다. 학습에 쓰지 않은 {takes} 중 {right}개를 맞혔습니다.</translation>
    </message>
    <message>
        <source>It works in most cases: {right} of {takes} that it had not seen got their action.</source>
        <translation>대체로 됩니다. 학습에 쓰지 않은 {takes} 중 {right}개를 맞혔습니다.</translation>
    </message>
    <message>
        <source>It does not work well yet: {right} of {takes} that it had not seen got their action.</source>
        <translation>아직 잘 안 됩니다. 학습에 쓰지 않은 {takes} 중 {right}개를 맞혔습니다.</translation>
    </message>
    <message>
        <source>{name} has one take only, so nothing is known about it: add two more of each.</source>
        <translation>{name}의 예가 하나뿐이라 아직 알 수 없습니다. 두 개를 더 추가하세요.</translation>
    </message>
    <message>
        <source>{names} have one take only, so nothing is known about them: add two more of each.</source>
        <translation>{names}의 예가 하나씩뿐이라 아직 알 수 없습니다. 각각 두 개를 더 추가하세요.</translation>
    </message>
    <message>
        <source>{first} and {second} are mixed up in {count} of {takes}: add two more of each.</source>
        <translation>{takes} 중 {count}개에서 {first}와(과) {second}을(를) 혼동합니다. 각각 두 개를 더 추가하세요.</translation>
    </message>
    <message>
        <source>{name} is taken for {nothing} in {count} of {takes}: add two more in which it fills the whole time.</source>
        <translation>{takes} 중 {count}개에서 {name}을(를) {nothing}(으)로 봅니다. 동작이 처음부터 끝까지 이어지는 예를 두 개 더 추가하세요.</translation>
    </message>
    <message>
        <source>{name} is recognized with low scores only and will often not be shown: add takes.</source>
        <translation>{name}은(는) 낮은 점수로만 인식되어 자주 표시되지 않습니다. 예를 추가하세요.</translation>
    </message>
    <message>
        <source>There is no example of “none of these”, so anything may be taken for an action. Add some: sitting down, walking past, whatever else happens there.</source>
        <translation>“해당 없음”의 예가 없어 무엇이든 동작으로 볼 수 있습니다. 앉기, 지나가기 등 그곳에서 일어나는 다른 일을 추가하세요.</translation>
    </message>
    <message>
        <source>Of something else, {share:.0%} is shown as no action.</source>
        <translation>다른 움직임 중 {share:.0%}은(는) 동작이 아닌 것으로 표시됩니다.</translation>
    </message>
    <message>
        <source>{nothing} is taken for {name} in {count} of {takes}: add more of it.</source>
        <translation>{takes} 중 {count}개에서 {nothing}을(를) {name}(으)로 봅니다. 더 추가하세요.</translation>
    </message>
    <message>
        <source>{names} would gain from at least {enough} takes, each in another place or by another person.</source>
        <translation>{names}은(는) 다른 장소나 다른 사람으로 예를 {enough}개 이상 모으면 좋아집니다.</translation>
    </message>
    <message>
        <source>“{title}” gives several answers at once, so its actions cannot stand beside yours, of which one is right. Leave its actions out, or choose another model.</source>
        <translation>“{title}”은(는) 여러 답을 한꺼번에 내므로, 하나만 맞는 내 동작과 나란히 둘 수 없습니다. 그 동작을 빼거나 다른 모델을 선택하세요.</translation>
    </message>
    <message>
        <source>To keep the actions of “{title}” beside yours, examples of “none of these” are needed: they show when to leave the answer to it. Add some, or leave its actions out.</source>
        <translation>“{title}”의 동작을 내 동작과 함께 두려면 “해당 없음”의 예가 필요합니다. 언제 그 모델에 답을 맡길지 알려 줍니다. 예를 추가하거나 그 동작을 빼세요.</translation>
    </message>
    <message>
        <source>The taught model has no name. Give it one.</source>
        <translation>가르친 모델에 이름이 없습니다. 이름을 지어 주세요.</translation>
    </message>
    <message>
        <source>“{title}” is a taught model itself, so there are no actions of a base model to keep. Choose the model that it was taught on, or leave its actions out.</source>
        <translation>“{title}”은(는) 가르친 모델이라 남겨 둘 기본 모델의 동작이 없습니다. 그것을 가르친 기본 모델을 선택하거나 그 동작을 빼세요.</translation>
    </message>
    <message>
        <source>{target} exists and is not a taught model. It is left as it is; choose another name.</source>
        <translation>{target}이(가) 이미 있으며 가르친 모델이 아닙니다. 그대로 두니 다른 이름을 선택하세요.</translation>
    </message>
    <message>
        <source>{target} cannot be written. Is the disk full?</source>
        <translation>{target}에 쓸 수 없습니다. 디스크가 가득 찼나요?</translation>
    </message>
    <message>
        <source>No pictures came from {source} meanwhile. Check the source, and take the example again.</source>
        <translation>그동안 {source}에서 영상이 오지 않았습니다. 소스를 확인하고 예를 다시 찍으세요.</translation>
    </message>
    <message>
        <source>{path}{where} is a single picture or none; expected a moving one.</source>
        <translation>{path}{where}에는 사진이 한 장뿐이거나 없습니다. 움직이는 영상이 필요합니다.</translation>
    </message>
    <message>
        <source>Model &apos;{name}&apos; cannot be taught: its last layer is not a linear classifier on pooled features. Choose another model to build on.</source>
        <translation>모델 &apos;{name}&apos;은(는) 가르칠 수 없습니다. 마지막 층이 풀링된 특징의 선형 분류기가 아닙니다. 다른 기본 모델을 선택하세요.</translation>
    </message>
    <message>
        <source>There is no example of an action yet. Add an action, and take two examples of it at least.</source>
        <translation>아직 동작의 예가 없습니다. 동작을 추가하고 예를 적어도 두 개 찍으세요.</translation>
    </message>
    <message>
        <source>“{labels}” is the only action, and there is no example of “none of these”: nothing to tell it apart from. Add another action, or some examples of “none of these”.</source>
        <translation>동작이 “{labels}” 하나뿐이고 “해당 없음”의 예도 없어 구별할 것이 없습니다. 다른 동작이나 “해당 없음”의 예를 추가하세요.</translation>
    </message>
    <message>
        <source>The examples were taken with {count} different models; features of one mean nothing to another. Remove those of the other model, or take them again.</source>
        <translation>예를 서로 다른 모델 {count}개로 찍었습니다. 한 모델의 특징은 다른 모델에 의미가 없습니다. 다른 모델의 예를 지우거나 다시 찍으세요.</translation>
    </message>
    <message>
        <source>The examples have features of different length. Remove those of the other model.</source>
        <translation>예의 특징 길이가 서로 다릅니다. 다른 모델의 예를 지우세요.</translation>
    </message>
    <message>
        <source>The model of {path} cannot be added to {output}: {reason}</source>
        <translation>{path}의 모델을 {output}에 추가할 수 없습니다: {reason}</translation>
    </message>
    <message>
        <source>{path} is not a shared model, or is damaged: {error}. Ask for it again.</source>
        <translation>{path}은(는) 공유된 모델이 아니거나 손상되었습니다: {error}. 다시 받으세요.</translation>
    </message>
    <message>
        <source>{path} is not a shared model: expected {largest} in it, found {shown}.</source>
        <translation>{path}은(는) 공유된 모델이 아닙니다. {largest}이(가) 들어 있어야 하는데 {shown}이(가) 들어 있습니다.</translation>
    </message>
    <message>
        <source>{path} is not opened: {name} in it is larger than {largest:.0f} MB.</source>
        <translation>{path}을(를) 열지 않습니다. 그 안의 {name}이(가) {largest:.0f} MB보다 큽니다.</translation>
    </message>
    <message>
        <source>none of these</source>
        <translation>해당 없음</translation>
    </message>
    <message>
        <source>The example {id} of “{name}” is damaged: its values are not finite.</source>
        <translation>“{name}”의 예 {id}이(가) 손상되었습니다. 값이 유한하지 않습니다.</translation>
    </message>
    <message>
        <source>{path} cannot be removed: {reason}.</source>
        <translation>{path}을(를) 지울 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>Remove it, and take the example again.</source>
        <translation>지우고 예를 다시 찍으세요.</translation>
    </message>
    <message>
        <source>The example {path} is too large: more than {largest_bytes:.0f} MB. {advice}</source>
        <translation>예 {path}이(가) 너무 큽니다. {largest_bytes:.0f} MB가 넘습니다. {advice}</translation>
    </message>
    <message>
        <source>The example {path} cannot be read: {reason}.</source>
        <translation>예 {path}을(를) 읽을 수 없습니다: {reason}.</translation>
    </message>
    <message>
        <source>{path} is not an example: it does not begin as expected. {advice}</source>
        <translation>{path}은(는) 예가 아닙니다. 시작 부분이 다릅니다. {advice}</translation>
    </message>
    <message>
        <source>The example {path} is damaged: {error}. {advice}</source>
        <translation>예 {path}이(가) 손상되었습니다: {error}. {advice}</translation>
    </message>
    <message>
        <source>The example {path} was renamed: it calls itself {id}. Give it that name again.</source>
        <translation>예 {path}의 이름이 바뀌었습니다. 원래 이름은 {id}입니다. 그 이름으로 되돌리세요.</translation>
    </message>
    <message>
        <source>The examples were taken with the model &apos;{base}&apos;, which is gone or was built anew, and no model that was taught on it is left. The examples are kept: bring that model back, or take new examples with another one.</source>
        <translation>예를 모델 &apos;{base}&apos;(으)로 찍었는데, 그 모델이 없어졌거나 새로 만들어졌고, 그것으로 가르친 모델도 남아 있지 않습니다. 예는 보관됩니다. 그 모델을 되돌리거나 다른 모델로 새 예를 찍으세요.</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>종료 코드 {code}</translation>
    </message>
    <message>
        <source>it crashed or was killed</source>
        <translation>충돌했거나 강제 종료됨</translation>
    </message>
</context>
<context>
    <name>actions</name>
    <message>
        <source>waving hand</source>
        <translation>한 손 흔들기</translation>
    </message>
    <message>
        <source>waving both hands</source>
        <translation>양손 흔들기</translation>
    </message>
    <message>
        <source>clapping</source>
        <translation>손뼉치기</translation>
    </message>
    <message>
        <source>jumping jacks</source>
        <translation>팔 벌려 뛰기</translation>
    </message>
    <message>
        <source>squat</source>
        <translation>스쿼트</translation>
    </message>
    <message>
        <source>bending</source>
        <translation>허리 굽히기</translation>
    </message>
    <message>
        <source>walking</source>
        <translation>걷기</translation>
    </message>
    <message>
        <source>running</source>
        <translation>달리기</translation>
    </message>
    <message>
        <source>punching</source>
        <translation>주먹 지르기</translation>
    </message>
    <message>
        <source>push up</source>
        <translation>팔굽혀펴기</translation>
    </message>
    <message>
        <source>jumping</source>
        <translation>점프</translation>
    </message>
    <message>
        <source>arm circles</source>
        <translation>팔 돌리기</translation>
    </message>
    <message>
        <source>kicking</source>
        <translation>발차기</translation>
    </message>
    <message>
        <source>lunge</source>
        <translation>런지</translation>
    </message>
    <message>
        <source>side stretch</source>
        <translation>옆구리 늘리기</translation>
    </message>
    <message>
        <source>bicep curl</source>
        <translation>이두 컬</translation>
    </message>
    <message>
        <source>standing still</source>
        <translation>가만히 서기</translation>
    </message>
    <message>
        <source>sitting still</source>
        <translation>가만히 앉기</translation>
    </message>
</context>
</TS>
