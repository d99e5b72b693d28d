@echo off
rem dev WORD: the project's daily commands on Windows, with Visual Studio's compiler and vcpkg (manifest: vcpkg.json).
rem NOT RUN YET: this file was written on a machine without Windows. Each word is one or two commands to do by hand.
rem Needs: a developer command prompt (x64), CMake, Ninja, and VCPKG_ROOT set.
setlocal
cd /d "%~dp0"
set CTEST_PARALLEL_LEVEL=%NUMBER_OF_PROCESSORS%
if "%1"=="" goto help
if "%1"=="help" goto help
if "%1"=="clean" goto clean
if not defined VCPKG_ROOT (
    echo error: VCPKG_ROOT is not set 1>&2
    exit /b 1
)
if "%1"=="build" goto build
if "%1"=="test" goto test
if "%1"=="demo" goto demo
:help
echo usage: dev WORD
echo   help    list the words
echo   demo    build, and run the five examples
echo   test    build, and run every test
echo   build   build
echo   clean   remove build\
exit /b 0

:build
call :compile
exit /b %errorlevel%

:test
call :compile || exit /b 1
ctest --preset msvc
exit /b %errorlevel%

:demo
call :compile || exit /b 1
for %%e in (isolation pipe queue producer_consumer pool_queue) do (
    echo.
    echo === %%e on Windows, start method spawn, pipe backend named pipe, queue backend mailslot ===
    build\msvc\bin\%%e.exe --start-method=spawn || exit /b 1
)
exit /b 0

:clean
if exist build rmdir /s /q build
exit /b 0

:compile
cmake --preset msvc && cmake --build --preset msvc
exit /b %errorlevel%
