@echo off
rem dev WORD: the project's daily commands on Windows, with Visual Studio's compiler and vcpkg (manifest: vcpkg.json).
rem NOT RUN YET: this file was written on a machine without Windows. Each word is one or two commands to do by hand.
rem Needs: a developer command prompt (x64), CMake, Ninja, and VCPKG_ROOT set.
rem The words of ./dev that are not here need Linux: lint, soak, fuzz, model, cross, and
rem bench, whose floors are Linux's.
setlocal
cd /d "%~dp0"
set CTEST_PARALLEL_LEVEL=%NUMBER_OF_PROCESSORS%
if "%1"=="" goto help
for %%w in (help demo test build format clean) do if "%1"=="%%w" goto %%w
echo error: no such word: %1 1>&2
call :help
exit /b 2

:help
echo usage: dev WORD
echo   help    list the words
echo   demo    build, and run the five examples
echo   test    build, and run every test
echo   build   build
echo   format  format the sources in place
echo   clean   remove build\
exit /b 0

:demo
call :compile || exit /b 1
call :show isolation "start method spawn" || exit /b 1
call :show pipe "start method spawn, pipe backend named pipe" || exit /b 1
call :show queue "start method spawn, queue backend mailslot" || exit /b 1
call :show producer_consumer "start method spawn, queue backend shm" || exit /b 1
call :show pool_queue "start method spawn, queue backends mailslot and managed" || exit /b 1
exit /b 0

:show
echo.
echo === %1 on Windows, %~2 ===
build\msvc\bin\%1.exe --start-method=spawn
exit /b %errorlevel%

:test
call :compile || exit /b 1
ctest --preset msvc
exit /b %errorlevel%

:build
call :compile
exit /b %errorlevel%

:format
for %%d in (include src tests examples bench) do call :format_in %%d || exit /b 1
exit /b 0

:format_in
pushd %1
for /r %%f in (*.c *.h) do clang-format -i "%%f" || exit /b 1
popd
exit /b 0

:clean
if exist build rmdir /s /q build
exit /b 0

:compile
if not defined VCPKG_ROOT (
    echo error: VCPKG_ROOT is not set 1>&2
    exit /b 1
)
cmake --preset msvc && cmake --build --preset msvc
exit /b %errorlevel%
